#include "keratin/backends/cuda/recurrent_plan.h"

#include <array>
#include <limits>
#include <vector>

#include "keratin/core/tensor/errors.h"

namespace keratin::cuda {
namespace {

constexpr i64 kLongest = 65535;  // cuDNN's limit for sequences

// Of the gates in Keras's order, cuDNN's numbers; those for h follow those for x.
//   lstm: Keras i, f, c, o, cuDNN the same;   gru: Keras z, r, h, cuDNN r, z, h
constexpr std::array<int, kMaxGates> kLstmGates = {0, 1, 2, 3}, kGruGates = {1, 0, 2, -1};

int as_int(i64 number) {
  if (number < 1 || number > std::numeric_limits<int>::max()) {
    throw BackendError("cuda: a recurrent layer of a size that cuDNN does not take: " + std::to_string(number));
  }
  return static_cast<int>(number);
}

}  // namespace

std::string RecurrentProblem::key() const {
  std::string result;
  for (const i64 number : {static_cast<i64>(kind), time, n, features, units, static_cast<i64>(precision)}) {
    result += std::to_string(number) + " ";
  }
  return result;
}

std::shared_ptr<const RecurrentPlan> RecurrentPlan::make(const dnn::Api& api, dnn::Handle handle,
                                                         const RecurrentProblem& problem, std::string& reason) {
  try {
    return std::make_shared<const RecurrentPlan>(api, handle, problem);
  } catch (const BackendError& error) {
    reason = error.what();
    return nullptr;
  }
}

RecurrentPlan::RecurrentPlan(const dnn::Api& api, dnn::Handle handle, const RecurrentProblem& problem)
    : api_(api),
      handle_(handle),
      problem_(problem),
      dropout_(api, api.rnn.dropout_create, api.rnn.dropout_destroy, "cudnnCreateDropoutDescriptor"),
      rnn_(api, api.rnn.create, api.rnn.destroy, "cudnnCreateRNNDescriptor"),
      x_(api, api.rnn.data_create, api.rnn.data_destroy, "cudnnCreateRNNDataDescriptor"),
      y_(api, api.rnn.data_create, api.rnn.data_destroy, "cudnnCreateRNNDataDescriptor"),
      state_(api, api.rnn.tensor_create, api.rnn.tensor_destroy, "cudnnCreateTensorDescriptor") {
  const int time = as_int(problem.time), n = as_int(problem.n), features = as_int(problem.features),
            units = as_int(problem.units);
  if (time > kLongest) {
    throw BackendError("cuda: cuDNN takes sequences of at most " + std::to_string(kLongest) + " steps, not " +
                       std::to_string(time));
  }
  const bool lstm = problem.kind == RecurrentKind::lstm;
  if (handle)
    check_dnn(api, api.rnn.dropout_set(dropout_.get(), handle, 0, nullptr, 0, 0), "cudnnSetDropoutDescriptor");
  // Two biases always: what is most used of cuDNN, and what a GRU of Keras has.
  check_dnn(api,
            api.rnn.set(rnn_.get(), dnn::kRnnStandard, lstm ? dnn::kLstm : dnn::kGru, dnn::kDoubleBias,
                        dnn::kUnidirectional, dnn::kLinearInput, dnn::kFloat, dnn::kFloat,
                        problem.precision == Precision::highest ? dnn::kFmaMath : dnn::kDefaultMath, features, units,
                        units, 1, dropout_.get(), dnn::kPaddedIo),
            "cudnnSetRNNDescriptor_v8");
  const std::vector<int> lengths(static_cast<std::size_t>(n), time);
  const auto set_data = [&](dnn::RnnData data, int width) {
    check_dnn(api,
              api.rnn.data_set(data, dnn::kFloat, dnn::kSequenceMajorUnpacked, time, n, width, lengths.data(), nullptr),
              "cudnnSetRNNDataDescriptor");
  };
  set_data(x_.get(), features);
  set_data(y_.get(), units);
  const int sizes[] = {1, n, units}, strides[] = {as_int(problem.n * problem.units), units, 1};
  check_dnn(api, api.rnn.tensor_set(state_.get(), dnn::kFloat, 3, sizes, strides), "cudnnSetTensorNdDescriptor");
  if (!handle) return;
  check_dnn(api, api.rnn.weight_bytes(handle, rnn_.get(), &weight_bytes_), "cudnnGetRNNWeightSpaceSize");
  std::size_t none = 0;
  check_dnn(
      api,
      api.rnn.space_bytes(handle, rnn_.get(), dnn::kInference, x_.get(), &workspace_bytes_[dnn::kInference], &none),
      "cudnnGetRNNTempSpaceSizes");
  check_dnn(api,
            api.rnn.space_bytes(handle, rnn_.get(), dnn::kTraining, x_.get(), &workspace_bytes_[dnn::kTraining],
                                &reserve_bytes_),
            "cudnnGetRNNTempSpaceSizes");
  find_weights();
}

void RecurrentPlan::find_weights() {
  // There is no weight space yet. cuDNN computes addresses in it from the one it is given, and could not read device
  // memory anyway; should it look at the address all the same, it gets a real one.
  std::string refusal;
  try {
    return find_weights(reinterpret_cast<float*>(std::uintptr_t{1} << 20));
  } catch (const BackendError& error) {
    refusal = error.what();
  }
  void* memory = nullptr;
  if (runtime_api().allocate(&memory, weight_bytes_) != 0) {
    runtime_api().last_error();
    throw BackendError(refusal);
  }
  const std::unique_ptr<void, int (*)(void*)> owner(memory, runtime_api().release);
  find_weights(static_cast<float*>(memory));
}

void RecurrentPlan::find_weights(float* base) {
  const OwnedDescriptor<dnn::Tensor> matrix(api_, api_.rnn.tensor_create, api_.rnn.tensor_destroy,
                                            "cudnnCreateTensorDescriptor"),
      bias(api_, api_.rnn.tensor_create, api_.rnn.tensor_destroy, "cudnnCreateTensorDescriptor");
  const bool lstm = problem_.kind == RecurrentKind::lstm;
  weights_.features = problem_.features;
  weights_.units = problem_.units;
  weights_.gates = static_cast<int>(gates_of(problem_.kind));
  const auto offset_of = [&](void* address, i64 elements) {
    const auto bytes = reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(base);
    if (!address || bytes % sizeof(float) != 0 || bytes > weight_bytes_ ||
        weight_bytes_ - bytes < static_cast<std::size_t>(elements) * sizeof(float)) {
      throw BackendError("cuda: cuDNN places a recurrent layer's weights outside of their space");
    }
    return static_cast<i64>(bytes / sizeof(float));
  };
  for (int side = 0; side < 2; ++side) {
    const i64 columns = side == 0 ? problem_.features : problem_.units;
    for (int gate = 0; gate < weights_.gates; ++gate) {
      const auto at = static_cast<std::size_t>(gate);
      const int number = side * weights_.gates + (lstm ? kLstmGates : kGruGates)[at];
      void *matrix_at = nullptr, *bias_at = nullptr;
      check_dnn(api_,
                api_.rnn.weight_places(handle_, rnn_.get(), 0, weight_bytes_, base, number, matrix.get(), &matrix_at,
                                       bias.get(), &bias_at),
                "cudnnGetRNNWeightParams");
      int type = -1, axes = 0, sizes[3] = {}, strides[3] = {};
      check_dnn(api_, api_.rnn.tensor_get(matrix.get(), 3, &type, &axes, sizes, strides), "cudnnGetTensorNdDescriptor");
      // (1, rows, columns), rows one after the other.
      if (type != dnn::kFloat || axes != 3 || sizes[1] != problem_.units || sizes[2] != columns) {
        throw BackendError("cuda: cuDNN has weights of unknown sizes for a recurrent layer");
      }
      (side == 0 ? weights_.kernel : weights_.recurrent)[at] = offset_of(matrix_at, problem_.units * columns);
      weights_.bias[side][at] = offset_of(bias_at, problem_.units);
    }
  }
}

std::string RecurrentPlan::description() const {
  const RecurrentProblem& p = problem_;
  return std::string("cuDNN ") + (p.kind == RecurrentKind::lstm ? "LSTM" : "GRU") + ", " + std::to_string(p.time) +
         " steps of " + std::to_string(p.n) + "x" + std::to_string(p.features) + " -> " + std::to_string(p.n) + "x" +
         std::to_string(p.units) + ", standard algorithm" + (p.precision == Precision::highest ? "" : ", tf32 allowed");
}

void RecurrentPlan::forward(dnn::RnnForwardMode mode, const Forward& f) const {
  const bool training = mode == dnn::kTraining;
  check_dnn(api_,
            api_.rnn.forward(handle_, rnn_.get(), mode, nullptr, x_.get(), f.x, y_.get(), f.y, state_.get(), f.h,
                             f.last_h, state_.get(), f.c, f.last_c, weight_bytes_, f.weights, workspace_bytes_[mode],
                             f.workspace, training ? reserve_bytes_ : 0, training ? f.reserve : nullptr),
            "cudnnRNNForward");
}

void RecurrentPlan::backward(const Backward& b) const {
  const Forward& f = b.forward;
  const std::size_t workspace = workspace_bytes_[dnn::kTraining];
  check_dnn(api_,
            api_.rnn.backward_data(handle_, rnn_.get(), nullptr, y_.get(), f.y, b.dy, x_.get(), b.dx, state_.get(), f.h,
                                   b.dlast_h, b.dh, state_.get(), f.c, b.dlast_c, b.dc, weight_bytes_, f.weights,
                                   workspace, f.workspace, reserve_bytes_, f.reserve),
            "cudnnRNNBackwardData_v8");
  check_dnn(api_,
            api_.rnn.backward_weights(handle_, rnn_.get(), dnn::kAddToGradients, nullptr, x_.get(), f.x, state_.get(),
                                      f.h, y_.get(), f.y, weight_bytes_, b.dweights, workspace, f.workspace,
                                      reserve_bytes_, f.reserve),
            "cudnnRNNBackwardWeights_v8");
}

}  // namespace keratin::cuda
