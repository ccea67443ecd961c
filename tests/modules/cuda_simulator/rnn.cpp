#include "tests/modules/cuda_simulator/rnn.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "tests/modules/cuda_simulator/simulator.h"

namespace keratin::cuda::dnn {
struct RnnOpaque {
  int mode = -1;
  std::int64_t features = 0, units = 0;
  bool tf32 = false;
};
struct RnnDataOpaque {
  std::int64_t time = 0, n = 0, width = 0;
};
struct TensorOpaque {
  std::vector<int> sizes, strides;
};
struct DropoutOpaque {
  bool set = false;
};
}  // namespace keratin::cuda::dnn

namespace keratin::cuda::simulator {
namespace {

using namespace dnn;
using i64 = std::int64_t;

constexpr int kBadParameter = 2000, kNotSupported = 3000;

i64 gates(const RnnOpaque& rnn) { return rnn.mode == kLstm ? 4 : 3; }

// The weight space: cuDNN's gates one after the other, all matrices before all biases, with gaps, so that whoever
// guesses places instead of asking for them is found out.
constexpr i64 kGap = 32;
i64 with_gap(i64 elements) { return (elements / kGap + 1) * kGap; }
struct Places {
  i64 matrix, bias;
};
Places places(const RnnOpaque& rnn, i64 gate) {
  const i64 g = gates(rnn), of_x = with_gap(rnn.units * rnn.features), of_h = with_gap(rnn.units * rnn.units);
  return {gate < g ? gate * of_x : g * of_x + (gate - g) * of_h, g * (of_x + of_h) + gate * with_gap(rnn.units)};
}
i64 weight_elements(const RnnOpaque& rnn) { return places(rnn, 2 * gates(rnn)).bias; }

// What a run in training leaves for the way back, for each step and row: the gates, one more number of a unit (the new
// c of an LSTM, the candidate's product with h of a GRU), and from backward_data the gradients before the activations.
i64 reserve_row(const RnnOpaque& rnn) { return 2 * (gates(rnn) + 1) * rnn.units; }
// One number in front: how far the way has been gone.
constexpr float kForwards = 1, kBackwards = 2;
i64 reserve_elements(const RnnOpaque& rnn, const RnnDataOpaque& x) { return 1 + x.time * x.n * reserve_row(rnn); }
i64 workspace_elements(const RnnOpaque& rnn, const RnnDataOpaque& x, int mode) {
  return (mode == kTraining ? 3 : 2) * x.n * rnn.units + 5;
}

// A copy of all a run needs: descriptors may be gone when a graph is launched.
struct Run {
  RnnOpaque rnn;
  i64 time, n;
  const float *x, *h, *c, *weights;
  float *y, *reserve;

  i64 units() const { return rnn.units; }
  float in(float v) const { return rnn.tf32 ? to_tf32(v) : v; }
  const float* matrix(i64 gate) const { return weights + places(rnn, gate).matrix; }
  const float* bias(i64 gate) const { return weights + places(rnn, gate).bias; }
  const float* before(i64 t, i64 row) const { return t == 0 ? h + row * units() : y + ((t - 1) * n + row) * units(); }
  float* notes(i64 t, i64 row) const { return reserve ? reserve + 1 + (t * n + row) * reserve_row(rnn) : nullptr; }
  const float* c_before(i64 t, i64 row) const { return t == 0 ? c + row * units() : notes(t - 1, row) + 4 * units(); }

  // A gate's product with x or h, and its bias.
  double product(i64 gate, i64 unit, const float* v) const {
    const i64 columns = gate < gates(rnn) ? rnn.features : rnn.units;
    const float* w = matrix(gate) + unit * columns;
    double sum = bias(gate)[unit];
    for (i64 k = 0; k < columns; ++k) sum += static_cast<double>(in(w[k])) * static_cast<double>(in(v[k]));
    return sum;
  }
};

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

void run_forward(const Run& r, float* last_h, float* last_c) {
  const i64 units = r.units();
  std::vector<float> c(static_cast<std::size_t>(r.n * units));
  if (r.c) std::copy_n(r.c, c.size(), c.begin());
  for (i64 t = 0; t < r.time; ++t) {
    for (i64 row = 0; row < r.n; ++row) {
      const float *x = r.x + (t * r.n + row) * r.rnn.features, *h = r.before(t, row);
      float *y = r.y + (t * r.n + row) * units, *notes = r.notes(t, row);
      for (i64 u = 0; u < units; ++u) {
        double gate[4], extra;
        if (r.rnn.mode == kLstm) {  // i, f, new, o
          for (i64 g = 0; g < 4; ++g) {
            const double z = r.product(g, u, x) + r.product(g + 4, u, h);
            gate[g] = g == 2 ? std::tanh(z) : sigmoid(z);
          }
          float& state = c[static_cast<std::size_t>(row * units + u)];
          state = static_cast<float>(gate[1] * static_cast<double>(state) + gate[0] * gate[2]);
          extra = static_cast<double>(state);
          y[u] = static_cast<float>(gate[3] * std::tanh(extra));
        } else {  // r, z, new
          for (i64 g = 0; g < 2; ++g) gate[g] = sigmoid(r.product(g, u, x) + r.product(g + 3, u, h));
          extra = r.product(5, u, h);
          gate[2] = std::tanh(r.product(2, u, x) + gate[0] * extra);
          y[u] = static_cast<float>((1 - gate[1]) * gate[2] + gate[1] * static_cast<double>(h[u]));
        }
        if (!notes) continue;
        for (i64 g = 0; g < gates(r.rnn); ++g) notes[g * units + u] = static_cast<float>(gate[g]);
        notes[gates(r.rnn) * units + u] = static_cast<float>(extra);
      }
    }
  }
  if (r.reserve) r.reserve[0] = kForwards;
  if (last_h) std::copy_n(r.y + (r.time - 1) * r.n * units, r.n * units, last_h);
  if (last_c) std::copy(c.begin(), c.end(), last_c);
}

void run_backward_data(const Run& r, const float* dy, const float* dlast_h, const float* dlast_c, float* dx, float* dh,
                       float* dc) {
  const i64 units = r.units(), count = gates(r.rnn);
  // Run out of turn, everything is NaN.
  const double in_turn = r.reserve[0] == kForwards ? 0 : std::nan("");
  const auto states = [&](const float* from) {
    std::vector<double> result(static_cast<std::size_t>(r.n * units), in_turn);
    for (std::size_t i = 0; from && i < result.size(); ++i) result[i] += static_cast<double>(from[i]);
    return result;
  };
  std::vector<double> dstate = states(dlast_h), dcell = states(dlast_c);
  for (i64 t = r.time; t-- > 0;) {
    for (i64 row = 0; row < r.n; ++row) {
      float* notes = r.notes(t, row);
      float* dz = notes + (count + 1) * units;  // before the activations; behind them a GRU's candidate, for h
      const float* h = r.before(t, row);
      double* dh_row = dstate.data() + row * units;
      std::vector<double> dbefore(static_cast<std::size_t>(units));
      for (i64 u = 0; u < units; ++u) {
        const auto note = [&](i64 g) { return static_cast<double>(notes[g * units + u]); };
        const auto put = [&](i64 g, double d) { dz[g * units + u] = static_cast<float>(d); };
        const double d = dh_row[u] + static_cast<double>(dy[(t * r.n + row) * units + u]);
        if (r.rnn.mode == kLstm) {
          const double i = note(0), f = note(1), g = note(2), o = note(3), squashed = std::tanh(note(4));
          double& dc_now = dcell[static_cast<std::size_t>(row * units + u)];
          dc_now += d * o * (1 - squashed * squashed);
          put(3, d * squashed * o * (1 - o));
          put(0, dc_now * g * i * (1 - i));
          put(1, dc_now * static_cast<double>(r.c_before(t, row)[u]) * f * (1 - f));
          put(2, dc_now * i * (1 - g * g));
          dc_now *= f;
        } else {
          const double reset = note(0), z = note(1), candidate = note(2), product = note(3);
          const double dcandidate = d * (1 - z) * (1 - candidate * candidate);
          put(0, dcandidate * product * reset * (1 - reset));
          put(1, d * (static_cast<double>(h[u]) - candidate) * z * (1 - z));
          put(2, dcandidate);
          put(3, dcandidate * reset);
          dbefore[static_cast<std::size_t>(u)] = d * z;
        }
      }
      // Back through the products.
      const auto spread = [&](i64 first_gate, i64 columns, auto&& to) {
        for (i64 g = 0; g < count; ++g) {
          const bool of_h = first_gate > 0;
          const float* from = dz + (of_h && r.rnn.mode == kGru && g == 2 ? 3 : g) * units;
          for (i64 u = 0; u < units; ++u) {
            const float* w = r.matrix(first_gate + g) + u * columns;
            for (i64 k = 0; k < columns; ++k) {
              to(k, static_cast<double>(r.in(from[u])) * static_cast<double>(r.in(w[k])));
            }
          }
        }
      };
      std::vector<double> dx_row(static_cast<std::size_t>(r.rnn.features), in_turn);
      spread(0, r.rnn.features, [&](i64 k, double d) { dx_row[static_cast<std::size_t>(k)] += d; });
      spread(count, units, [&](i64 k, double d) { dbefore[static_cast<std::size_t>(k)] += d; });
      for (i64 k = 0; k < r.rnn.features; ++k) {
        dx[(t * r.n + row) * r.rnn.features + k] = static_cast<float>(dx_row[static_cast<std::size_t>(k)]);
      }
      std::copy(dbefore.begin(), dbefore.end(), dh_row);
    }
  }
  r.reserve[0] = kBackwards;
  const auto give = [](const std::vector<double>& from, float* to) {
    if (to) std::transform(from.begin(), from.end(), to, [](double d) { return static_cast<float>(d); });
  };
  give(dstate, dh);
  give(dcell, dc);
}

void run_backward_weights(const Run& r, float* dweights) {
  const i64 units = r.units(), count = gates(r.rnn);
  const double in_turn = r.reserve[0] == kBackwards ? 0 : std::nan("");
  for (i64 gate = 0; gate < 2 * count; ++gate) {
    const bool of_h = gate >= count;
    const i64 columns = of_h ? units : r.rnn.features;
    const i64 from = of_h && r.rnn.mode == kGru && gate == 5 ? 3 : gate % count;
    for (i64 u = 0; u < units; ++u) {
      std::vector<double> sums(static_cast<std::size_t>(columns), in_turn);
      double bias = in_turn;
      for (i64 t = 0; t < r.time; ++t) {
        for (i64 row = 0; row < r.n; ++row) {
          const float d = r.notes(t, row)[(count + 1 + from) * units + u];
          const float* v = of_h ? r.before(t, row) : r.x + (t * r.n + row) * columns;
          bias += static_cast<double>(d);
          for (i64 k = 0; k < columns; ++k) {
            sums[static_cast<std::size_t>(k)] += static_cast<double>(r.in(d)) * static_cast<double>(r.in(v[k]));
          }
        }
      }
      const Places at = places(r.rnn, gate);
      float* matrix = dweights + at.matrix + u * columns;
      for (i64 k = 0; k < columns; ++k) {
        matrix[k] = static_cast<float>(static_cast<double>(matrix[k]) + sums[static_cast<std::size_t>(k)]);
      }
      float& to = dweights[at.bias + u];
      to = static_cast<float>(static_cast<double>(to) + bias);
    }
  }
}

// Rules of the calls; the first that is broken is told.
class Rules {
 public:
  // Sequences and states may lie anywhere.
  void operand(const char* name, const void* memory, i64 elements, bool may_be_null = false) {
    if (memory || !may_be_null) check(name, memory, elements, 4);
  }
  // Spaces that are cuDNN's own.
  void space(const char* name, const void* memory, i64 elements) { check(name, memory, elements, 128); }
  void hold(bool rule, const char* text) {
    if (!rule && text_.empty()) text_ = text;
  }
  const std::string& broken() const { return text_; }

 private:
  void check(const char* name, const void* memory, i64 elements, i64 alignment) {
    if (text_.empty()) text_ = fault_of_operand(name, memory, elements * 4, alignment);
  }
  std::string text_;
};

// What all three calls have in common.
Rules rules_of(Rnn rnn, const std::int32_t* lengths, RnnData x, RnnData y, Tensor state, std::size_t weight_bytes,
               std::size_t workspace_bytes, void* workspace, int mode) {
  Rules rules;
  rules.hold(rnn->mode >= 0 && x->time > 0 && y->time > 0, "a descriptor was not set");
  rules.hold(!lengths, "lengths on the device are not read any more: they must be null");
  rules.hold(x->width == rnn->features && y->width == rnn->units && x->time == y->time && x->n == y->n,
             "the sequences do not fit the layer");
  const int n = static_cast<int>(x->n), units = static_cast<int>(rnn->units);
  rules.hold(state->sizes == std::vector<int>{1, n, units} && state->strides == std::vector<int>{n * units, units, 1},
             "a state has other sizes than (1, n, units)");
  rules.hold(weight_bytes == static_cast<std::size_t>(weight_elements(*rnn)) * 4, "the weight space has another size");
  const i64 needed = workspace_elements(*rnn, *x, mode);
  rules.hold(workspace_bytes >= static_cast<std::size_t>(needed) * 4, "the workspace is too small");
  rules.space("the workspace", workspace, needed);
  return rules;
}

// Other kernels write to it, too.
void spoil(void* workspace, i64 elements) { std::memset(workspace, 0xff, static_cast<std::size_t>(elements) * 4); }

int forward(Handle handle, Rnn rnn, int mode, const std::int32_t* lengths, RnnData x_desc, const void* x,
            RnnData y_desc, void* y, Tensor h_desc, const void* h, void* last_h, Tensor, const void* c, void* last_c,
            std::size_t weight_bytes, const void* weights, std::size_t workspace_bytes, void* workspace,
            std::size_t reserve_bytes, void* reserve) {
  const bool lstm = rnn->mode == kLstm;
  const i64 state = x_desc->n * rnn->units;
  Rules rules = rules_of(rnn, lengths, x_desc, y_desc, h_desc, weight_bytes, workspace_bytes, workspace, mode);
  rules.operand("x", x, x_desc->time * x_desc->n * rnn->features);
  rules.operand("y", y, x_desc->time * state);
  rules.operand("h", h, state);
  rules.operand("the last h", last_h, state, true);
  rules.space("the weights", weights, weight_elements(*rnn));
  rules.hold(lstm || (!c && !last_c), "a GRU has no c");
  if (lstm) rules.operand("c", c, state);
  if (lstm) rules.operand("the last c", last_c, state, true);
  if (mode == kTraining) {
    const i64 needed = reserve_elements(*rnn, *x_desc);
    rules.hold(reserve_bytes >= static_cast<std::size_t>(needed) * 4, "the reserve is too small");
    rules.space("the reserve", reserve, needed);
  }
  if (!rules.broken().empty()) return broken_rule("cudnnRNNForward: " + rules.broken(), kBadParameter);
  const Run run{*rnn,
                x_desc->time,
                x_desc->n,
                static_cast<const float*>(x),
                static_cast<const float*>(h),
                static_cast<const float*>(c),
                static_cast<const float*>(weights),
                static_cast<float*>(y),
                mode == kTraining ? static_cast<float*>(reserve) : nullptr};
  enqueue(stream_of(handle), [=, elements = workspace_elements(*rnn, *x_desc, mode)] {
    spoil(workspace, elements);
    run_forward(run, static_cast<float*>(last_h), static_cast<float*>(last_c));
  });
  return kSuccess;
}

int backward_data(Handle handle, Rnn rnn, const std::int32_t* lengths, RnnData y_desc, const void* y, const void* dy,
                  RnnData x_desc, void* dx, Tensor h_desc, const void* h, const void* dlast_h, void* dh, Tensor,
                  const void* c, const void* dlast_c, void* dc, std::size_t weight_bytes, const void* weights,
                  std::size_t workspace_bytes, void* workspace, std::size_t reserve_bytes, void* reserve) {
  const i64 state = x_desc->n * rnn->units, needed = reserve_elements(*rnn, *x_desc);
  Rules rules = rules_of(rnn, lengths, x_desc, y_desc, h_desc, weight_bytes, workspace_bytes, workspace, kTraining);
  rules.operand("y", y, x_desc->time * state);
  rules.operand("dy", dy, x_desc->time * state);
  rules.operand("dx", dx, x_desc->time * x_desc->n * rnn->features);
  rules.operand("h", h, state);
  rules.operand("the last h's gradient", dlast_h, state, true);
  rules.operand("h's gradient", dh, state, true);
  rules.hold(rnn->mode == kLstm || (!c && !dlast_c && !dc), "a GRU has no c");
  if (rnn->mode == kLstm) rules.operand("c", c, state);
  rules.operand("the last c's gradient", dlast_c, state, true);
  rules.operand("c's gradient", dc, state, true);
  rules.space("the weights", weights, weight_elements(*rnn));
  rules.hold(reserve_bytes >= static_cast<std::size_t>(needed) * 4, "the reserve is too small");
  rules.space("the reserve", reserve, needed);
  if (!rules.broken().empty()) return broken_rule("cudnnRNNBackwardData_v8: " + rules.broken(), kBadParameter);
  // y is read only: const in the call, not in Run.
  const Run run{*rnn,
                x_desc->time,
                x_desc->n,
                nullptr,
                static_cast<const float*>(h),
                static_cast<const float*>(c),
                static_cast<const float*>(weights),
                const_cast<float*>(static_cast<const float*>(y)),
                static_cast<float*>(reserve)};
  enqueue(stream_of(handle), [=, elements = workspace_elements(*rnn, *x_desc, kTraining)] {
    spoil(workspace, elements);
    run_backward_data(run, static_cast<const float*>(dy), static_cast<const float*>(dlast_h),
                      static_cast<const float*>(dlast_c), static_cast<float*>(dx), static_cast<float*>(dh),
                      static_cast<float*>(dc));
  });
  return kSuccess;
}

int backward_weights(Handle handle, Rnn rnn, int mode, const std::int32_t* lengths, RnnData x_desc, const void* x,
                     Tensor h_desc, const void* h, RnnData y_desc, const void* y, std::size_t weight_bytes,
                     void* dweights, std::size_t workspace_bytes, void* workspace, std::size_t reserve_bytes,
                     void* reserve) {
  const i64 state = x_desc->n * rnn->units, needed = reserve_elements(*rnn, *x_desc);
  Rules rules = rules_of(rnn, lengths, x_desc, y_desc, h_desc, weight_bytes, workspace_bytes, workspace, kTraining);
  rules.hold(mode == kAddToGradients, "gradients of weights can only be added to what is there");
  rules.operand("x", x, x_desc->time * x_desc->n * rnn->features);
  rules.operand("h", h, state);
  rules.operand("y", y, x_desc->time * state);
  rules.space("the weights' gradients", dweights, weight_elements(*rnn));
  rules.hold(reserve_bytes >= static_cast<std::size_t>(needed) * 4, "the reserve is too small");
  rules.space("the reserve", reserve, needed);
  if (!rules.broken().empty()) return broken_rule("cudnnRNNBackwardWeights_v8: " + rules.broken(), kBadParameter);
  const Run run{*rnn,
                x_desc->time,
                x_desc->n,
                static_cast<const float*>(x),
                static_cast<const float*>(h),
                nullptr,
                nullptr,
                const_cast<float*>(static_cast<const float*>(y)),
                static_cast<float*>(reserve)};
  enqueue(stream_of(handle), [=, elements = workspace_elements(*rnn, *x_desc, kTraining)] {
    spoil(workspace, elements);
    run_backward_weights(run, static_cast<float*>(dweights));
  });
  return kSuccess;
}

int set(Rnn rnn, int algorithm, int mode, int bias, int direction, int input, int type, int compute_type, int math_type,
        std::int32_t features, std::int32_t units, std::int32_t projection, std::int32_t layers, Dropout dropout,
        std::uint32_t flags) {
  if (algorithm != kRnnStandard || (mode != kLstm && mode != kGru) || bias != kDoubleBias ||
      direction != kUnidirectional || input != kLinearInput || type != kFloat || compute_type != kFloat ||
      (math_type != kDefaultMath && math_type != kFmaMath) || features < 1 || units < 1 || projection != units ||
      layers != 1 || !dropout || !dropout->set || flags != kPaddedIo) {
    return broken_rule("a recurrent layer that is not simulated", kBadParameter);
  }
  *rnn = {mode, features, units, math_type == kDefaultMath};
  return kSuccess;
}

int data_set(RnnData data, int type, int layout, int time, int n, int width, const int* lengths, void*) {
  if (type != kFloat || layout != kSequenceMajorUnpacked || time < 1 || n < 1 || width < 1 || !lengths) {
    return broken_rule("sequences that are not simulated", kBadParameter);
  }
  if (time > 65535) return refuse("sequences that are too long", kNotSupported);
  if (std::any_of(lengths, lengths + n, [=](int length) { return length != time; })) {
    return broken_rule("sequences of different lengths are not simulated", kBadParameter);
  }
  *data = {time, n, width};
  return kSuccess;
}

int weight_places(Handle, Rnn rnn, std::int32_t layer, std::size_t bytes, const void* space, std::int32_t gate,
                  Tensor matrix, void** matrix_at, Tensor bias, void** bias_at) {
  if (layer != 0 || gate < 0 || gate >= 2 * gates(*rnn) || !space ||
      bytes != static_cast<std::size_t>(weight_elements(*rnn)) * 4) {
    return broken_rule("a gate that the layer does not have", kBadParameter);
  }
  if (fault("rnn_looks_at_addresses") && !in_device_memory(space, bytes)) {
    return refuse("the weight space is not device memory", kBadParameter);
  }
  const Places at = places(*rnn, gate);
  const auto base = reinterpret_cast<std::uintptr_t>(space);
  const int units = static_cast<int>(rnn->units);
  const int columns = gate < gates(*rnn) ? static_cast<int>(rnn->features) : units;
  *matrix = {{1, units, columns}, {units * columns, columns, 1}};
  *bias = {{1, units, 1}, {units, 1, 1}};
  *matrix_at = reinterpret_cast<void*>(base + static_cast<std::uintptr_t>(at.matrix) * 4);
  *bias_at = reinterpret_cast<void*>(base + static_cast<std::uintptr_t>(at.bias) * 4);
  return kSuccess;
}

template <class T>
int make(T** made) {
  *made = new T;
  return kSuccess;
}
template <class T>
int end(T* made) {
  delete made;
  return kSuccess;
}

}  // namespace

const dnn::RnnApi& rnn_api() {
  static const RnnApi api = {
      .create = make<RnnOpaque>,
      .destroy = end<RnnOpaque>,
      .set = set,
      .data_create = make<RnnDataOpaque>,
      .data_destroy = end<RnnDataOpaque>,
      .data_set = data_set,
      .tensor_create = make<TensorOpaque>,
      .tensor_destroy = end<TensorOpaque>,
      .tensor_set =
          [](Tensor tensor, int, int axes, const int* sizes, const int* strides) {
            *tensor = {{sizes, sizes + axes}, {strides, strides + axes}};
            return int{kSuccess};
          },
      .tensor_get =
          [](Tensor tensor, int wanted, int* type, int* axes, int* sizes, int* strides) {
            *type = kFloat;
            *axes = static_cast<int>(tensor->sizes.size());
            std::copy_n(tensor->sizes.begin(), std::min(wanted, *axes), sizes);
            std::copy_n(tensor->strides.begin(), std::min(wanted, *axes), strides);
            return int{kSuccess};
          },
      .dropout_create = make<DropoutOpaque>,
      .dropout_destroy = end<DropoutOpaque>,
      .dropout_set =
          [](Dropout dropout, Handle handle, float rate, void* states, std::size_t bytes, unsigned long long) {
            if (!handle || rate != 0 || states || bytes != 0) {
              return broken_rule("dropout within recurrent layers is not simulated", kBadParameter);
            }
            dropout->set = true;
            return int{kSuccess};
          },
      .weight_bytes =
          [](Handle, Rnn rnn, std::size_t* bytes) {
            *bytes = static_cast<std::size_t>(weight_elements(*rnn)) * 4;
            return int{kSuccess};
          },
      .weight_places = weight_places,
      .space_bytes =
          [](Handle, Rnn rnn, int mode, RnnData x, std::size_t* workspace, std::size_t* reserve) {
            if (fault("no_rnn")) return refuse("this recurrent layer is not supported", kNotSupported);
            *workspace = static_cast<std::size_t>(workspace_elements(*rnn, *x, mode)) * 4;
            *reserve = mode == kTraining ? static_cast<std::size_t>(reserve_elements(*rnn, *x)) * 4 : 0;
            return int{kSuccess};
          },
      .forward = forward,
      .backward_data = backward_data,
      .backward_weights = backward_weights,
  };
  return api;
}

}  // namespace keratin::cuda::simulator
