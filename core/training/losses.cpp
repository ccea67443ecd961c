#include "keratin/core/training/losses.h"

#include <utility>

#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/ops/softmax.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/core/training/align.h"

namespace keratin {
namespace {

Config loss_config(const std::string& class_name, const std::string& name) {
  Config config("keras.losses", class_name);
  config.set("name", name).set("reduction", "sum_over_batch_size");
  return config;
}

void check_smoothing(double smoothing) {
  if (!(smoothing >= 0 && smoothing <= 1)) {
    throw InvalidArgument("label_smoothing must be in [0, 1], got " + std::to_string(smoothing));
  }
}

}  // namespace

Loss::Loss(const Loss&) = default;
Loss::Loss(Loss&&) noexcept = default;
Loss& Loss::operator=(const Loss&) = default;
Loss& Loss::operator=(Loss&&) noexcept = default;
Loss::~Loss() = default;
Loss::Loss(const char* name) : Loss(std::string(name)) {}
Loss::Loss(Function function, std::string name, Config config)
    : function_(std::move(function)), name_(std::move(name)), config_(std::move(config)) {}

namespace losses {

Loss MeanSquaredError() {
  return Loss([](const Value& y, const Value& p) { return ops::mean(ops::square(p - y), {-1}); }, "mean_squared_error",
              loss_config("MeanSquaredError", "mean_squared_error"));
}

Loss MeanAbsoluteError() {
  return Loss([](const Value& y, const Value& p) { return ops::mean(ops::abs(p - y), {-1}); }, "mean_absolute_error",
              loss_config("MeanAbsoluteError", "mean_absolute_error"));
}

Loss Huber(double delta) {
  if (!(delta > 0)) throw InvalidArgument("losses::Huber: delta must be positive, got " + std::to_string(delta));
  Config config = loss_config("Huber", "huber_loss");
  config.set("delta", delta);
  // |e| <= delta: e^2/2;  else delta*|e| - delta^2/2
  auto function = [delta](const Value& y, const Value& p) {
    const Value error = ops::abs(p - y);
    return ops::mean(
        ops::where(ops::less_equal(error, delta), ops::square(error) * 0.5, error * delta - 0.5 * delta * delta), {-1});
  };
  return Loss(function, "huber_loss", config);
}

Loss BinaryCrossentropy(CrossentropyOptions options) {
  check_smoothing(options.label_smoothing);
  Config config = loss_config("BinaryCrossentropy", "binary_crossentropy");
  config.set("from_logits", options.from_logits).set("label_smoothing", options.label_smoothing).set("axis", -1);
  auto function = [options](const Value& y, const Value& p) {
    const double s = options.label_smoothing;
    const Value target = s > 0 ? y * (1 - s) + 0.5 * s : y;
    return ops::mean(ops::binary_crossentropy(target, p, options.from_logits), {-1});
  };
  return Loss(function, "binary_crossentropy", config);
}

Loss CategoricalCrossentropy(CrossentropyOptions options) {
  check_smoothing(options.label_smoothing);
  Config config = loss_config("CategoricalCrossentropy", "categorical_crossentropy");
  config.set("from_logits", options.from_logits).set("label_smoothing", options.label_smoothing).set("axis", -1);
  auto function = [options](const Value& y, const Value& p) {
    const double s = options.label_smoothing;
    const Value target = s > 0 ? y * (1 - s) + s / static_cast<double>(y.shape()[-1]) : y;
    return ops::categorical_crossentropy(target, p, options.from_logits);
  };
  return Loss(function, "categorical_crossentropy", config);
}

Loss SparseCategoricalCrossentropy(SparseCrossentropyOptions options) {
  Config config = loss_config("SparseCategoricalCrossentropy", "sparse_categorical_crossentropy");
  config.set("from_logits", options.from_logits).set("ignore_class", ConfigValue());
  auto function = [options](const Value& y, const Value& p) {
    return ops::sparse_categorical_crossentropy(y, p, options.from_logits);
  };
  return Loss(function, "sparse_categorical_crossentropy", config);
}

}  // namespace losses

Loss::Loss(const std::string& name) {
  static const std::vector<std::pair<std::vector<std::string>, Loss (*)()>> known = {
      {{"mean_squared_error", "mse", "MSE", "MeanSquaredError"}, [] { return losses::MeanSquaredError(); }},
      {{"mean_absolute_error", "mae", "MAE", "MeanAbsoluteError"}, [] { return losses::MeanAbsoluteError(); }},
      {{"huber", "huber_loss", "Huber"}, [] { return losses::Huber(); }},
      {{"binary_crossentropy", "bce", "BCE", "BinaryCrossentropy"}, [] { return losses::BinaryCrossentropy(); }},
      {{"categorical_crossentropy", "CategoricalCrossentropy"}, [] { return losses::CategoricalCrossentropy(); }},
      {{"sparse_categorical_crossentropy", "SparseCategoricalCrossentropy"},
       [] { return losses::SparseCategoricalCrossentropy(); }},
  };
  std::vector<std::string> names;
  for (const auto& [aliases, make] : known) {
    for (const std::string& alias : aliases) {
      if (alias == name) {
        *this = make();
        return;
      }
      names.push_back(alias);
    }
  }
  throw InvalidArgument("unknown loss '" + name + "'" + did_you_mean(name, names));
}

Value Loss::values(const Value& y_true, const Value& y_pred) const {
  if (sparse_labels()) return function_(y_true, y_pred);
  // Keras: targets take the predictions' dtype, and ranks are made equal by an axis of size 1.
  const Value target = align_target(ops::cast(y_true, y_pred.dtype()), y_pred);
  // A function of the user's may compare what it likes.
  const bool own = config_.class_name().empty();
  if (!own && target.shape() != y_pred.shape()) {
    // A network output (n, 1) against targets (n, 5) would broadcast to a loss nobody meant.
    throw InvalidArgument("loss " + name_ + ": targets of shape " + y_true.shape().to_string() +
                          " do not match predictions of shape " + y_pred.shape().to_string());
  }
  return function_(target, y_pred);
}

Value Loss::operator()(const Value& y_true, const Value& y_pred, const Value& sample_weight) const {
  const Value v = values(y_true, y_pred);
  if (!sample_weight) return ops::mean(v);
  return ops::mean(v * align_weight(sample_weight, v));
}

}  // namespace keratin
