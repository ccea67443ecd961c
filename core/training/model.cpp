#include "keratin/core/training/model.h"

#include "keratin/core/tensor/errors.h"
#include "keratin/core/tensor/log.h"
#include "keratin/core/training/detail/model_impl.h"
#include "keratin/core/training/detail/trainer.h"

namespace keratin {
namespace {

std::shared_ptr<ModelImpl> functional(const Values& inputs, const Values& outputs, ModelOptions options) {
  auto impl = std::make_shared<ModelImpl>("Functional", std::move(options.name), options.trainable);
  impl->set_graph(inputs, outputs);
  std::vector<Shape> shapes;
  for (const Value& input : inputs) shapes.push_back(input.shape());
  impl->build_for(shapes);
  return impl;
}

// The errors of a verb begin with it.
template <class F>
auto named(const char* verb, F&& f) {
  try {
    return f();
  } catch (const InvalidArgument& error) {
    if (std::string_view(error.what()).starts_with(verb)) throw;
    error.rethrow_in(verb);
  }
}

}  // namespace

Model::Model(const Value& inputs, const Value& outputs, ModelOptions options)
    : Model(functional({inputs}, {outputs}, std::move(options))) {}
Model::Model(const Values& inputs, const Values& outputs, ModelOptions options)
    : Model(functional(inputs, outputs, std::move(options))) {}
Model::Model(std::shared_ptr<ModelImpl> impl) : Layer(std::move(impl)) {}

ModelImpl& Model::model_impl() const { return static_cast<ModelImpl&>(impl()); }

void Model::compile(Optimizer optimizer, std::vector<Loss> losses, std::vector<Metric> metrics) {
  compile(std::move(optimizer), std::move(losses), CompileArguments{.metrics = std::move(metrics)});
}
void Model::compile(Optimizer optimizer, Loss loss, std::vector<Metric> metrics) {
  compile(std::move(optimizer), std::vector<Loss>{std::move(loss)}, CompileArguments{.metrics = std::move(metrics)});
}

void Model::compile(Optimizer optimizer, std::vector<Loss> losses, CompileArguments arguments) {
  // A Sequential that has not seen its input yet has one output.
  const std::size_t outputs = model_impl().has_graph() ? model_impl().outputs().size() : 1;
  auto fail = [](const std::string& message) { throw InvalidArgument("compile: " + message); };
  if (losses.empty()) fail("a loss is needed for training");
  for (const Loss& loss : losses) {
    if (loss.reduction() == "none") {
      fail("loss " + loss.name() + " has reduction 'none', which gives a number for each sample; training needs one");
    }
  }
  if (losses.size() == 1 && outputs > 1) losses.assign(outputs, losses[0]);
  if (losses.size() != outputs) {
    fail("got " + std::to_string(losses.size()) + " losses for " + std::to_string(outputs) + " outputs");
  }
  if (arguments.loss_weights.empty()) arguments.loss_weights.assign(outputs, 1.0);
  if (arguments.loss_weights.size() != outputs) {
    fail("got " + std::to_string(arguments.loss_weights.size()) + " loss_weights for " + std::to_string(outputs) +
         " outputs");
  }
  if (!arguments.output_metrics.empty() && arguments.output_metrics.size() != outputs) {
    fail("got " + std::to_string(arguments.output_metrics.size()) + " lists in output_metrics for " +
         std::to_string(outputs) + " outputs");
  }
  Compiled compiled{.optimizer = std::move(optimizer),
                    .losses = std::move(losses),
                    .loss_weights = std::move(arguments.loss_weights),
                    .metrics = {},
                    .weighted_metrics = {},
                    .output_losses = {}};
  auto fresh = [](const std::vector<Metric>& metrics) {
    std::vector<Metric> result;
    for (const Metric& metric : metrics) result.push_back(metric.fresh());
    return result;
  };
  for (std::size_t i = 0; i < outputs; ++i) {
    compiled.metrics.push_back(
        fresh(arguments.output_metrics.empty() ? arguments.metrics : arguments.output_metrics[i]));
    compiled.weighted_metrics.push_back(fresh(arguments.weighted_metrics));
    if (outputs > 1) compiled.output_losses.push_back(std::make_shared<metrics::MeanTracker>("loss"));
  }
  model_impl().trainer().compile(std::move(compiled));
}

History Model::fit(const TensorList& x, const TensorList& y, const FitOptions& options) {
  return named("fit", [&] { return fit(Dataset(x, y), options); });
}
History Model::fit(const Dataset& data, const FitOptions& options) {
  const Trainer::Busy busy(model_impl().trainer(), true);
  return named("fit", [&] { return fit_model(*this, data, options); });
}

Logs Model::evaluate(const TensorList& x, const TensorList& y, const EvaluateOptions& options) {
  return named("evaluate", [&] { return evaluate(Dataset(x, y, options.sample_weight), options); });
}
Logs Model::evaluate(const Dataset& data, const EvaluateOptions& options) {
  const Trainer::Busy busy(model_impl().trainer());
  return named("evaluate", [&] { return evaluate_model(*this, data, options, true); });
}

std::vector<Tensor> Model::predict_dataset(const Dataset& data, const PredictOptions& options) {
  const Trainer::Busy busy(model_impl().trainer());
  return named("predict", [&] { return predict_model(*this, data, options); });
}
std::vector<Tensor> Model::predict_all(const TensorList& x, const PredictOptions& options) {
  return named("predict", [&] { return predict_all(Dataset(x, {}), options); });
}
Tensor Model::predict(const TensorList& x, const PredictOptions& options) { return predict_all(x, options).front(); }

namespace {

Batch checked_batch(const TensorList& x, const TensorList& y, const BatchOptions& options) {
  Tensor weight = options.sample_weight;
  if (!options.class_weight.empty()) {
    if (y.size() != 1) throw InvalidArgument("class_weight needs a model with one output");
    weight = class_weights(y[0], options.class_weight.map(), weight);
  }
  const Dataset checked(x, y, weight);
  return {checked.x(), checked.y(), checked.sample_weight()};
}

}  // namespace

Logs Model::train_on_batch(const TensorList& x, const TensorList& y, const BatchOptions& options) {
  return named("train_on_batch", [&] {
    Trainer& trainer = model_impl().trainer();
    const Trainer::Busy busy(trainer, true);
    trainer.required("train_on_batch");
    const Batch batch = checked_batch(x, y, options);
    trainer.prepare_model("train_on_batch", x, false);
    trainer.check_labels("train_on_batch", y);
    trainer.check_indices("train_on_batch", x);
    trainer.reset_metrics();
    trainer.run_batch(Phase::train, batch);
    return trainer.metrics();
  });
}

Logs Model::test_on_batch(const TensorList& x, const TensorList& y, const BatchOptions& options) {
  return named("test_on_batch", [&] {
    Trainer& trainer = model_impl().trainer();
    const Trainer::Busy busy(trainer);
    trainer.required("test_on_batch");
    const Batch batch = checked_batch(x, y, options);
    trainer.prepare_model("test_on_batch", x, false);
    trainer.check_labels("test_on_batch", y);
    trainer.check_indices("test_on_batch", x);
    trainer.reset_metrics();
    trainer.run_batch(Phase::evaluate, batch);
    return trainer.metrics();
  });
}

Tensor Model::predict_on_batch(const TensorList& x) {
  return named("predict_on_batch", [&] {
    Trainer& trainer = model_impl().trainer();
    const Trainer::Busy busy(trainer);
    const Dataset checked(x, {});
    trainer.prepare_model("predict_on_batch", x, false);
    trainer.check_indices("predict_on_batch", x);
    return trainer.run_batch(Phase::predict, {x, {}, {}})->instance->read_output(0);
  });
}

MemoryReport Model::memory(std::int64_t batch_size) const {
  const Trainer::Busy busy(model_impl().trainer());
  return model_impl().trainer().memory(batch_size);
}

std::vector<Layer> Model::layers() const { return model_impl().layers(); }

Layer Model::get_layer(const std::string& name) const {
  std::vector<std::string> names;
  for (const Layer& layer : model_impl().layers()) {
    if (layer.name() == name) return layer;
    names.push_back(layer.name());
  }
  throw InvalidArgument("model '" + this->name() + "' has no layer '" + name + "'" + did_you_mean(name, names));
}

const Values& Model::inputs() const { return model_impl().inputs(); }
const Values& Model::outputs() const { return model_impl().outputs(); }
bool Model::compiled() const { return model_impl().trainer().compiled(); }
Optimizer Model::optimizer() const { return model_impl().trainer().required("optimizer").optimizer; }

void Model::summary(const SummaryOptions& options) const { log(LogLevel::output, summary_text(options)); }

}  // namespace keratin
