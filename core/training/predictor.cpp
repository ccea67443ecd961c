#include "keratin/core/training/predictor.h"

#include <mutex>

#include "keratin/core/compiler/passes.h"
#include "keratin/core/runtime/device.h"
#include "keratin/core/runtime/plan_instance.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/core/training/detail/model_impl.h"
#include "keratin/core/training/detail/step_program.h"

namespace keratin {
namespace {

std::span<const std::byte> bytes_of(const Tensor& tensor) {
  return {static_cast<const std::byte*>(tensor.raw()), tensor.bytes()};
}

[[noreturn]] void fail(const std::string& what) { throw InvalidArgument("Predictor: " + what); }

}  // namespace

class Predictor::Impl {
 public:
  Impl(const Model& model, const PredictorOptions& options)
      : model_(model), backend_(current_device()), options_(compile_options()) {
    options_.keeps_prepared = options.keep_packed_weights;
    if (options.batch_size <= 0) fail("batch_size must be positive, got " + std::to_string(options.batch_size));
    ModelImpl& graph = model.model_impl();
    if (!graph.has_graph()) {
      fail("the model '" + model.name() + "' has no inputs yet; begin it with an Input, or call it once");
    }
    const Values& inputs = model.inputs();
    if (!options.input_dtypes.empty() && options.input_dtypes.size() != inputs.size()) {
      fail("input_dtypes has " + std::to_string(options.input_dtypes.size()) + " dtypes, the model " +
           std::to_string(inputs.size()) + " inputs");
    }
    StepInputs step{.batch = options.batch_size, .x = {}, .y = {}, .weighted = false, .cursor = {}, .bases = {}};
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const Shape sample = inputs[i].shape().slice(1, inputs[i].rank());
      if (!sample.is_known()) {
        fail("input " + std::to_string(i) + " has shape " + inputs[i].shape().to_string() +
             "; only the batch may be unknown");
      }
      step.x.push_back({sample, options.input_dtypes.empty() ? inputs[i].dtype() : options.input_dtypes[i]});
    }
    const auto no_random_step = std::make_shared<VariableState>("predictor/random_step", Shape{}, DType::int64,
                                                                [] { return Tensor::scalar<std::int64_t>(0); });
    plan_ = compile(build_step(graph, nullptr, Phase::predict, step, {}, no_random_step, false).program, *backend_);
    const auto shapes = [&](const std::vector<int>& slots) {
      std::vector<Shape> result;
      for (int slot : slots) result.push_back(plan_.slots[static_cast<std::size_t>(slot)].shape);
      return result;
    };
    input_shapes = shapes(plan_.inputs);
    output_shapes = shapes(plan_.outputs);
    concurrent_ = backend_->info().name.starts_with("cpu");
    free_.push_back(make_instance());
  }

  // Runs with the inputs that `write` puts in and the outputs that `read` takes out.
  template <class Write, class Read>
  void run(const Write& write, const Read& read) {
    std::unique_lock lock(mutex_);
    std::unique_ptr<PlanInstance> instance;
    if (free_.empty()) {
      instance = make_instance();
    } else {
      instance = std::move(free_.back());
      free_.pop_back();
    }
    // Weights set by the program go to the device once, not from several threads.
    for (const VariablePtr& variable : plan_.variables) variable->sync_device();
    if (concurrent_) lock.unlock();
    struct Return {
      Impl& impl;
      std::unique_lock<std::mutex>& lock;
      std::unique_ptr<PlanInstance>& instance;
      ~Return() {
        if (!lock.owns_lock()) lock.lock();
        impl.free_.push_back(std::move(instance));  // never beyond the capacity reserved
      }
    } give_back{*this, lock, instance};
    write(*instance);
    instance->run();
    read(*instance);
  }

  const Slot& input(std::size_t i) const { return plan_.slots[static_cast<std::size_t>(plan_.inputs[i])]; }
  const Slot& output(std::size_t i) const { return plan_.slots[static_cast<std::size_t>(plan_.outputs[i])]; }

  std::string device() const { return backend_->info().name; }

  std::vector<Shape> input_shapes, output_shapes;

 private:
  std::unique_ptr<PlanInstance> make_instance() {
    free_.reserve(++made_);
    auto instance = std::make_unique<PlanInstance>(plan_, options_, std::make_shared<Arena>(backend_));
    instance->allocate();
    return instance;
  }

  const Model model_;  // keeps the weights
  const std::shared_ptr<Backend> backend_;
  CompileOptions options_;
  Plan plan_;
  bool concurrent_ = false;
  std::mutex mutex_;
  std::vector<std::unique_ptr<PlanInstance>> free_;
  std::size_t made_ = 0;
};

Predictor::Predictor(const Model& model, const PredictorOptions& options)
    : impl_(std::make_shared<Impl>(model, options)) {}

const std::vector<Shape>& Predictor::input_shapes() const { return impl_->input_shapes; }
const std::vector<Shape>& Predictor::output_shapes() const { return impl_->output_shapes; }

void Predictor::operator()(std::span<const float> x, std::span<float> y) const {
  if (impl_->input_shapes.size() != 1 || impl_->output_shapes.size() != 1 || impl_->input(0).dtype != DType::float32 ||
      impl_->output(0).dtype != DType::float32) {
    fail("numbers can be passed to models of one float32 input and output only; pass tensors");
  }
  if (impl_->input(0).bytes() != static_cast<std::int64_t>(x.size_bytes()) ||
      impl_->output(0).bytes() != static_cast<std::int64_t>(y.size_bytes())) {
    fail("expected " + std::to_string(impl_->input_shapes[0].size()) + " numbers of shape " +
         impl_->input_shapes[0].to_string() + " and room for " + std::to_string(impl_->output_shapes[0].size()) +
         ", got " + std::to_string(x.size()) + " and " + std::to_string(y.size()));
  }
  impl_->run([&](PlanInstance& instance) { instance.write_input(0, std::as_bytes(x)); },
             [&](PlanInstance& instance) { instance.read_output(0, std::as_writable_bytes(y)); });
}

void Predictor::operator()(std::span<const Tensor> x, std::span<Tensor> y) const {
  const auto check = [](const char* what, std::size_t given, std::size_t wanted) {
    if (given != wanted) {
      fail("expected " + std::to_string(wanted) + " " + what + ", got " + std::to_string(given));
    }
  };
  check("inputs", x.size(), impl_->input_shapes.size());
  check("outputs", y.size(), impl_->output_shapes.size());
  const auto check_tensor = [](const char* what, std::size_t i, const Tensor& tensor, const Slot& slot) {
    if (tensor.defined() && tensor.dtype() == slot.dtype && tensor.shape() == slot.shape) return;
    const Spec wanted{slot.shape, slot.dtype}, given{tensor.shape(), tensor.dtype()};
    fail(std::string(what) + " " + std::to_string(i) + " is " + wanted.to_string() + ", got " +
         (tensor.defined() ? given.to_string() : "an undefined tensor"));
  };
  for (std::size_t i = 0; i < x.size(); ++i) check_tensor("input", i, x[i], impl_->input(i));
  for (std::size_t i = 0; i < y.size(); ++i) check_tensor("output", i, y[i], impl_->output(i));
  impl_->run(
      [&](PlanInstance& instance) {
        for (std::size_t i = 0; i < x.size(); ++i) instance.write_input(static_cast<int>(i), bytes_of(x[i]));
      },
      [&](PlanInstance& instance) {
        for (std::size_t i = 0; i < y.size(); ++i) {
          instance.read_output(static_cast<int>(i), {static_cast<std::byte*>(y[i].raw()), y[i].bytes()});
        }
      });
}

Tensor Predictor::operator()(const Tensor& x) const {
  std::vector<Tensor> y;
  for (std::size_t i = 0; i < impl_->output_shapes.size(); ++i)
    y.emplace_back(impl_->output(i).shape, impl_->output(i).dtype);
  (*this)(std::span(&x, 1), y);
  y[0].set_device(impl_->device());
  return y[0];
}

}  // namespace keratin
