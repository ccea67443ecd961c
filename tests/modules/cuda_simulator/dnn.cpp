#include "tests/modules/cuda_simulator/dnn.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <vector>

#include "tests/modules/cuda_simulator/rnn.h"
#include "tests/modules/cuda_simulator/simulator.h"

namespace keratin::cuda::dnn {
struct HandleOpaque {
  Stream stream = nullptr;
};
}  // namespace keratin::cuda::dnn

namespace keratin::cuda::simulator {
namespace {

using namespace dnn;

constexpr int kBadParameter = 2000, kNotSupported = 3000, kExecutionFailed = 5000;

struct Value {
  int type = 0;
  std::int64_t count = 0;
  std::vector<char> bytes;
};

struct Node {
  int type = 0;
  bool finalized = false;
  std::map<int, Value> values;
  int engine = 0;  // of configurations and engines

  template <class T>
  std::vector<T> list(int attribute) const {
    const Value& value = values.at(attribute);
    std::vector<T> result(static_cast<std::size_t>(value.count));
    std::memcpy(result.data(), value.bytes.data(), value.bytes.size());
    return result;
  }
  std::vector<std::int64_t> integers(int attribute) const { return list<std::int64_t>(attribute); }
  const Node& child(int attribute) const { return *list<const Node*>(attribute)[0]; }
  int choice(int attribute) const { return list<int>(attribute)[0]; }
};

Node& node(RawDescriptor raw) { return *static_cast<Node*>(raw); }

std::size_t size_of_type(int type) {
  switch (type) {
    case kTypeBoolean:
    case kTypeChar: return 1;
    case kTypeFloat: return 4;
    case kTypeInt64:
    case kTypeHandle:
    case kTypePointer:
    case kTypeDescriptor: return 8;
    default: return 4;
  }
}

// Engines of every convolution: what they note, what they need.
struct Engine {
  int index;
  std::vector<int> notes;
  bool compiles;
  std::int64_t workspace;
};
const std::vector<Engine>& engines() {
  static const std::vector<Engine> all = {{5, {}, false, std::int64_t{1} << 40},  // too much workspace
                                          {3, {}, true, 0},
                                          {1, {kTensorCore}, false, 512 << 10},
                                          {2, {kNondeterministic}, false, 0},
                                          {4, {kKeepsNan}, false, 1024}};
  return all;
}
const Engine& engine_of(int index) {
  return *std::find_if(engines().begin(), engines().end(), [&](const Engine& e) { return e.index == index; });
}

const std::vector<int>& required(int type) {
  static const std::map<int, std::vector<int>> table = {
      {kTensor, {kTensorType, kTensorDimensions, kTensorStrides, kTensorId, kTensorAlignment}},
      {kConvolution,
       {kConvolutionComputeType, kConvolutionMode, kConvolutionSpatialAxes, kConvolutionPaddingBefore,
        kConvolutionPaddingAfter, kConvolutionDilations, kConvolutionStrides}},
      {kConvolutionForward, {700, 701, 702, 703, 704, 705}},
      {kConvolutionBackwardData, {706, 707, 708, 709, 710, 711}},
      {kConvolutionBackwardFilter, {712, 713, 714, 715, 716, 717}},
      {kPointwise, {kPointwiseMode, kPointwisePrecision}},
      {kOperationPointwise, {kOperationPointwiseDescriptor, kOperationPointwiseX, kOperationPointwiseY}},
      {kOperationGraph, {kGraphOperations}},
      {kEngineHeuristics, {kHeuristicsGraph, kHeuristicsMode}},
      {kExecutionPlan, {kPlanConfig, kPlanHandle}},
      {kVariantPack, {kPackIds, kPackPointers, kPackWorkspace}},
  };
  static const std::vector<int> none;
  const auto found = table.find(type);
  return found == table.end() ? none : found->second;
}

// A convolution's tensors x, w, y and its form, whatever its direction.
struct Conv {
  const Node *x, *w, *y, *form;
};
Conv conv_of(const Node& operation) {
  const int alpha = operation.type == kConvolutionForward        ? kForwardAlpha
                    : operation.type == kConvolutionBackwardData ? kDataAlpha
                                                                 : kFilterAlpha;
  return {&operation.child(alpha + 4), &operation.child(alpha + 3), &operation.child(alpha + 5),
          &operation.child(alpha + 2)};
}

std::string fault_of_conv(const Node& operation) {
  const Conv c = conv_of(operation);
  const auto x = c.x->integers(kTensorDimensions), w = c.w->integers(kTensorDimensions),
             y = c.y->integers(kTensorDimensions);
  const auto before = c.form->integers(kConvolutionPaddingBefore), after = c.form->integers(kConvolutionPaddingAfter),
             dilation = c.form->integers(kConvolutionDilations), stride = c.form->integers(kConvolutionStrides);
  if (x[0] != y[0] || w[0] != y[1] || w[1] == 0 || x[1] % w[1] != 0 || y[1] % (x[1] / w[1]) != 0) {
    return "channels of a convolution do not fit";
  }
  for (std::size_t i = 0; i < 2; ++i) {
    const std::int64_t room = x[i + 2] + before[i] + after[i] - (w[i + 2] - 1) * dilation[i] - 1;
    if (room < 0 || y[i + 2] != room / stride[i] + 1) return "sizes of a convolution do not fit";
  }
  return "";
}

int finalize(RawDescriptor raw) {
  Node& n = node(raw);
  for (const int attribute : required(n.type)) {
    if (!n.values.contains(attribute)) {
      return broken_rule(
          "attribute " + std::to_string(attribute) + " of descriptor type " + std::to_string(n.type) + " is missing",
          kBadParameter);
    }
  }
  for (const auto& [attribute, value] : n.values) {
    if (value.type != kTypeDescriptor) continue;
    for (const Node* child : n.list<const Node*>(attribute)) {
      if (!child->finalized) return broken_rule("a descriptor that is not finalized is used", kBadParameter);
    }
  }
  if (n.type == kConvolutionForward || n.type == kConvolutionBackwardData || n.type == kConvolutionBackwardFilter) {
    if (const std::string wrong = fault_of_conv(n); !wrong.empty()) return broken_rule(wrong, kBadParameter);
  }
  if (n.type == kExecutionPlan) {
    std::int64_t rejected = -1;
    if (fault("dnn_rejects", &rejected) && rejected == n.child(kPlanConfig).engine) {
      return refuse("the engine does not support this", kNotSupported);
    }
  }
  n.finalized = true;
  return kSuccess;
}

int set(RawDescriptor raw, int attribute, int type, std::int64_t count, const void* values) {
  Node& n = node(raw);
  if (n.finalized) return broken_rule("an attribute is set after finalize", kBadParameter);
  const std::size_t bytes = static_cast<std::size_t>(count) * size_of_type(type);
  Value& value = n.values[attribute];
  value = {type, count, std::vector<char>(bytes)};
  std::memcpy(value.bytes.data(), values, bytes);
  return kSuccess;
}

void write_list(const std::vector<int>& list, std::int64_t wanted, std::int64_t* count, void* values) {
  *count = std::min<std::int64_t>(wanted, static_cast<std::int64_t>(list.size()));
  std::copy_n(list.begin(), *count, static_cast<int*>(values));
}

int get(RawDescriptor raw, int attribute, int, std::int64_t wanted, std::int64_t* count, void* values) {
  const Node& n = node(raw);
  switch (attribute) {
    case kHeuristicsResults: {
      if (fault("dnn_no_engines")) {
        *count = 0;
        return kSuccess;
      }
      std::vector<int> proposed = {4};
      if (n.choice(kHeuristicsMode) == kModeA) proposed = {5, 3, 1, 2, 4};
      *count = static_cast<std::int64_t>(proposed.size());
      for (std::int64_t i = 0; i < std::min(wanted, *count); ++i) {
        Node& config = *static_cast<Node**>(values)[i];
        config.engine = proposed[static_cast<std::size_t>(i)];
        config.values[kHeuristicsGraph] = n.values.at(kHeuristicsGraph);
        config.finalized = true;
      }
      return kSuccess;
    }
    case kConfigEngine: {
      Node& engine = **static_cast<Node**>(values);
      engine.engine = n.engine;
      engine.finalized = true;
      *count = 1;
      return kSuccess;
    }
    case kEngineGlobalIndex:
      *count = 1;
      *static_cast<std::int64_t*>(values) = n.engine;
      return kSuccess;
    case kEngineNumericalNotes: write_list(engine_of(n.engine).notes, wanted, count, values); return kSuccess;
    case kEngineBehaviorNotes:
      write_list(engine_of(n.engine).compiles ? std::vector<int>{kRuntimeCompilation} : std::vector<int>{}, wanted,
                 count, values);
      return kSuccess;
    case kPlanWorkspace:
      *count = 1;
      *static_cast<std::int64_t*>(values) = engine_of(n.child(kPlanConfig).engine).workspace;
      return kSuccess;
    default: return broken_rule("an attribute that cannot be read", kBadParameter);
  }
}

// A tensor's numbers while a graph runs.
struct Array {
  std::vector<std::int64_t> size, stride;
  float* data = nullptr;
  std::shared_ptr<std::vector<float>> own;  // of virtual tensors
  float& at(std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w) const {
    const auto index = [&](std::size_t axis, std::int64_t i) { return size[axis] == 1 ? 0 : i * stride[axis]; };
    return data[index(0, n) + index(1, c) + index(2, h) + index(3, w)];
  }
  std::int64_t elements() const { return size[0] * size[1] * size[2] * size[3]; }
};

// Everything a run needs, copied: descriptors may be gone when a graph is launched.
struct Operation {
  int type = 0, mode = 0;
  Array x, w, y;  // pointwise: x and w are the operands
  bool two_operands = false;
  std::vector<std::int64_t> before, dilation, stride;
};

void run_conv(const Operation& o, bool tf32) {
  const auto in = [&](float v) { return static_cast<double>(tf32 ? to_tf32(v) : v); };
  const Array &x = o.x, &w = o.w, &y = o.y;
  const std::int64_t channels = w.size[1], filters = y.size[1] / (x.size[1] / channels);
  const Array& result = o.type == kConvolutionForward ? y : o.type == kConvolutionBackwardData ? x : w;
  std::vector<double> sums(static_cast<std::size_t>(result.elements()), 0.0);
  const auto place = [&](std::int64_t a, std::int64_t b, std::int64_t c, std::int64_t d) -> double& {
    return sums[static_cast<std::size_t>(((a * result.size[1] + b) * result.size[2] + c) * result.size[3] + d)];
  };
  for (std::int64_t n = 0; n < y.size[0]; ++n) {
    for (std::int64_t f = 0; f < y.size[1]; ++f) {
      for (std::int64_t oh = 0; oh < y.size[2]; ++oh) {
        for (std::int64_t ow = 0; ow < y.size[3]; ++ow) {
          for (std::int64_t kh = 0; kh < w.size[2]; ++kh) {
            const std::int64_t h = oh * o.stride[0] + kh * o.dilation[0] - o.before[0];
            if (h < 0 || h >= x.size[2]) continue;
            for (std::int64_t kw = 0; kw < w.size[3]; ++kw) {
              const std::int64_t v = ow * o.stride[1] + kw * o.dilation[1] - o.before[1];
              if (v < 0 || v >= x.size[3]) continue;
              for (std::int64_t c = 0; c < channels; ++c) {
                const std::int64_t from = f / filters * channels + c;
                if (o.type == kConvolutionForward) {
                  place(n, f, oh, ow) += in(x.at(n, from, h, v)) * in(w.at(f, c, kh, kw));
                } else if (o.type == kConvolutionBackwardData) {
                  place(n, from, h, v) += in(y.at(n, f, oh, ow)) * in(w.at(f, c, kh, kw));
                } else {
                  place(f, c, kh, kw) += in(x.at(n, from, h, v)) * in(y.at(n, f, oh, ow));
                }
              }
            }
          }
        }
      }
    }
  }
  for (std::int64_t a = 0; a < result.size[0]; ++a) {
    for (std::int64_t b = 0; b < result.size[1]; ++b) {
      for (std::int64_t c = 0; c < result.size[2]; ++c) {
        for (std::int64_t d = 0; d < result.size[3]; ++d) result.at(a, b, c, d) = static_cast<float>(place(a, b, c, d));
      }
    }
  }
}

void run_pointwise(const Operation& o) {
  for (std::int64_t n = 0; n < o.y.size[0]; ++n) {
    for (std::int64_t c = 0; c < o.y.size[1]; ++c) {
      for (std::int64_t h = 0; h < o.y.size[2]; ++h) {
        for (std::int64_t w = 0; w < o.y.size[3]; ++w) {
          const float a = o.x.at(n, c, h, w);
          o.y.at(n, c, h, w) = o.mode == kAdd ? a + o.w.at(n, c, h, w) : a < 0 ? 0.0f : a;
        }
      }
    }
  }
}

int execute(Handle handle, RawDescriptor plan_raw, RawDescriptor pack_raw) {
  const Node &plan = node(plan_raw), &pack = node(pack_raw);
  const Node& config = plan.child(kPlanConfig);
  const Engine& engine = engine_of(config.engine);
  if (in_failed_capture(handle->stream)) return refuse("a convolution in a failed capture", kExecutionFailed);
  std::int64_t failing = -1;
  if ((fault("dnn_fails", &failing) && failing == engine.index) || fault("dnn_always_fails"))
    return refuse("the engine failed", kExecutionFailed);
  const auto ids = pack.integers(kPackIds);
  const auto pointers = pack.list<void*>(kPackPointers);
  void* workspace = pack.list<void*>(kPackWorkspace)[0];
  if (engine.workspace > 0) {
    const std::string wrong = fault_of_operand("the workspace", workspace, engine.workspace, 16);
    if (!wrong.empty()) return broken_rule(wrong, kBadParameter);
  }
  std::map<std::int64_t, Array> arrays;
  std::string wrong;
  std::size_t used = 0;
  const auto array = [&](const Node& tensor) {
    const std::int64_t id = tensor.integers(kTensorId)[0];
    if (const auto found = arrays.find(id); found != arrays.end()) return found->second;
    Array a{tensor.integers(kTensorDimensions), tensor.integers(kTensorStrides), nullptr, nullptr};
    if (tensor.list<char>(kTensorIsVirtual)[0]) {
      a.own = std::make_shared<std::vector<float>>(static_cast<std::size_t>(a.elements()));
      a.data = a.own->data();
    } else {
      const auto at = std::find(ids.begin(), ids.end(), id) - ids.begin();
      if (at == static_cast<std::ptrdiff_t>(ids.size())) {
        wrong = "tensor " + std::to_string(id) + " has no address";
        a.own = std::make_shared<std::vector<float>>(static_cast<std::size_t>(a.elements()));
        a.data = a.own->data();
      } else {
        ++used;
        a.data = static_cast<float*>(pointers[static_cast<std::size_t>(at)]);
        const std::string fault = fault_of_operand("an operand", a.data, a.elements() * 4, 16);
        if (!fault.empty()) wrong = fault;
      }
    }
    return arrays.emplace(id, a).first->second;
  };
  std::vector<Operation> operations;
  for (const Node* operation : config.child(kHeuristicsGraph).list<const Node*>(kGraphOperations)) {
    Operation o;
    o.type = operation->type;
    if (operation->type == kOperationPointwise) {
      o.mode = operation->child(kOperationPointwiseDescriptor).choice(kPointwiseMode);
      o.x = array(operation->child(kOperationPointwiseX));
      if (operation->values.contains(kOperationPointwiseB)) o.w = array(operation->child(kOperationPointwiseB));
      o.y = array(operation->child(kOperationPointwiseY));
    } else {
      const Conv c = conv_of(*operation);
      o.x = array(*c.x);
      o.w = array(*c.w);
      o.y = array(*c.y);
      o.before = c.form->integers(kConvolutionPaddingBefore);
      o.dilation = c.form->integers(kConvolutionDilations);
      o.stride = c.form->integers(kConvolutionStrides);
    }
    operations.push_back(std::move(o));
  }
  if (wrong.empty() && used != ids.size()) wrong = "addresses of tensors that the graph does not have";
  if (!wrong.empty()) return broken_rule(wrong, kBadParameter);
  const bool tf32 = std::find(engine.notes.begin(), engine.notes.end(), kTensorCore) != engine.notes.end();
  enqueue(handle->stream, [operations = std::move(operations), tf32, workspace, bytes = engine.workspace] {
    if (bytes > 0) std::memset(workspace, 0xff, static_cast<std::size_t>(bytes));
    for (const Operation& o : operations) o.type == kOperationPointwise ? run_pointwise(o) : run_conv(o, tf32);
  });
  return kSuccess;
}

}  // namespace

Stream stream_of(Handle handle) { return handle->stream; }

const dnn::Api& dnn_api() {
  static const Api api = {
      .create =
          [](Handle* handle) {
            if (fault("no_cudnn")) return refuse("cuDNN does not start", 1001);
            *handle = new HandleOpaque;
            add_overhead(kDnnBytes);
            return int{kSuccess};
          },
      .destroy =
          [](Handle handle) {
            delete handle;
            return int{kSuccess};
          },
      .set_stream =
          [](Handle handle, Stream stream) {
            handle->stream = stream;
            return int{kSuccess};
          },
      .version =
          [] {
            std::int64_t number = 91900;
            fault("cudnn", &number);
            return static_cast<std::size_t>(number);
          },
      .cudart_version =
          [] {
            std::int64_t number = 13010;
            fault("cudnn_for", &number);
            return static_cast<std::size_t>(number);
          },
      .status_text = [](int) { return "CUDNN_STATUS_SIMULATED"; },
      .last_error = [](char* text, std::size_t bytes) { std::snprintf(text, bytes, "%s", last_refusal().c_str()); },
      .descriptor_create =
          [](int type, RawDescriptor* raw) {
            Node* made = new Node;
            made->type = type;
            *raw = made;
            return int{kSuccess};
          },
      .descriptor_destroy =
          [](RawDescriptor raw) {
            delete static_cast<Node*>(raw);
            return int{kSuccess};
          },
      .descriptor_finalize = finalize,
      .descriptor_set = set,
      .descriptor_get = get,
      .execute = execute,
      .rnn = rnn_api(),
  };
  return api;
}

}  // namespace keratin::cuda::simulator
