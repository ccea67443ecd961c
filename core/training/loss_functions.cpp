// The losses of keras.losses; the header has their formulas.
#include <algorithm>
#include <numbers>

#include "keratin/core/ops/ctc.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/matmul.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/ops/softmax.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/core/training/losses.h"

namespace keratin::losses {
namespace {

constexpr double kEpsilon = 1e-7;  // keras.config.epsilon()

using Function = Value (*)(const Value& y, const Value& p);

Config loss_config(const char* class_name, const char* default_name, const LossOptions& options) {
  Config config("keras.losses", class_name);
  config.set("name", options.name.empty() ? default_name : options.name).set("reduction", options.reduction);
  return config;
}

// The loss of a configuration that has its name and reduction already.
Loss made(Loss::Function function, const char* default_name, const LossOptions& options, Config config) {
  return Loss(std::move(function), options.name.empty() ? default_name : options.name, std::move(config),
              options.reduction);
}

Loss plain(Function function, const char* class_name, const char* default_name, const LossOptions& options) {
  return made(function, default_name, options, loss_config(class_name, default_name, options));
}

void check(bool good, const char* loss, const char* rule, double value) {
  if (!good) throw InvalidArgument(std::string("losses::") + loss + ": " + rule + ", got " + format_number(value));
}
void check_smoothing(const char* loss, double smoothing) {
  check(smoothing >= 0 && smoothing <= 1, loss, "label_smoothing must be in [0, 1]", smoothing);
}

Value mean_last(const Value& x) { return ops::mean(x, {-1}); }

// x with `axis` as the last one.
Value class_axis_last(const Value& x, int axis) {
  const int from = axis < 0 ? axis + x.rank() : axis;
  if (from < 0 || from >= x.rank()) {
    throw InvalidArgument("axis " + std::to_string(axis) + " is not an axis of predictions of shape " +
                          x.shape().to_string());
  }
  if (from == x.rank() - 1) return x;
  std::vector<int> order;
  for (int i = 0; i < x.rank(); ++i) {
    if (i != from) order.push_back(i);
  }
  order.push_back(from);
  return ops::transpose(x, order);
}

// Divided by the Euclidean norm over `axis`, which counts as 1e-7 where it is smaller.
Value normalized(const Value& x, int axis) {
  return x * ops::rsqrt(ops::maximum(ops::sum(ops::square(x), {axis}, true), kEpsilon * kEpsilon));
}

Value smoothed(const Value& y, double smoothing, double share) {
  return smoothing > 0 ? y * (1 - smoothing) + smoothing * share : y;
}

// Targets -1 and 1 of a batch of zeros and ones; others as they are.
Value signs(const Value& y) {
  const Value binary = ops::logical_or(ops::equal(y, 0.0), ops::equal(y, 1.0));
  return ops::where(ops::greater(ops::min(ops::cast(binary, y.dtype())), 0.0), y * 2.0 - 1.0, y);
}

}  // namespace

Loss MeanSquaredError(LossOptions options) {
  return plain([](const Value& y, const Value& p) { return mean_last(ops::square(p - y)); }, "MeanSquaredError",
               "mean_squared_error", options);
}

Loss MeanAbsoluteError(LossOptions options) {
  return plain([](const Value& y, const Value& p) { return mean_last(ops::abs(p - y)); }, "MeanAbsoluteError",
               "mean_absolute_error", options);
}

Loss MeanAbsolutePercentageError(LossOptions options) {
  return plain(
      [](const Value& y, const Value& p) {
        return mean_last(ops::abs((y - p) / ops::maximum(ops::abs(y), kEpsilon))) * 100.0;
      },
      "MeanAbsolutePercentageError", "mean_absolute_percentage_error", options);
}

Loss MeanSquaredLogarithmicError(LossOptions options) {
  return plain(
      [](const Value& y, const Value& p) {
        const Value log_p = ops::log(ops::maximum(p, kEpsilon) + 1.0);
        return mean_last(ops::square(log_p - ops::log(ops::maximum(y, kEpsilon) + 1.0)));
      },
      "MeanSquaredLogarithmicError", "mean_squared_logarithmic_error", options);
}

Loss Huber(double delta, LossOptions options) {
  check(delta > 0, "Huber", "delta must be positive", delta);
  Config config = loss_config("Huber", "huber_loss", options);
  config.set("delta", delta);
  auto function = [delta](const Value& y, const Value& p) {
    const Value error = ops::abs(p - y);
    return mean_last(
        ops::where(ops::less_equal(error, delta), ops::square(error) * 0.5, error * delta - 0.5 * delta * delta));
  };
  return made(function, "huber_loss", options, std::move(config));
}

Loss LogCosh(LossOptions options) {
  // ln(cosh(e)) = e + ln(1 + exp(-2e)) - ln(2), without overflow
  return plain(
      [](const Value& y, const Value& p) {
        const Value e = p - y;
        return mean_last(e + ops::softplus(e * -2.0) - std::numbers::ln2);
      },
      "LogCosh", "log_cosh", options);
}

Loss CosineSimilarity(int axis, LossOptions options) {
  Config config = loss_config("CosineSimilarity", "cosine_similarity", options);
  if (axis != -1) config.set("axis", axis);  // Keras itself leaves it out
  auto function = [axis](const Value& y, const Value& p) {
    return -ops::sum(normalized(y, axis) * normalized(p, axis), {axis});
  };
  return made(function, "cosine_similarity", options, std::move(config));
}

Loss BinaryCrossentropy(CrossentropyOptions o) {
  check_smoothing("BinaryCrossentropy", o.label_smoothing);
  const LossOptions common{o.reduction, o.name};
  Config config = loss_config("BinaryCrossentropy", "binary_crossentropy", common);
  config.set("from_logits", o.from_logits).set("label_smoothing", o.label_smoothing).set("axis", o.axis);
  auto function = [o](const Value& y, const Value& p) {
    return ops::mean(ops::binary_crossentropy(smoothed(y, o.label_smoothing, 0.5), p, o.from_logits), {o.axis});
  };
  return made(function, "binary_crossentropy", common, std::move(config));
}

Loss CategoricalCrossentropy(CrossentropyOptions o) {
  check_smoothing("CategoricalCrossentropy", o.label_smoothing);
  const LossOptions common{o.reduction, o.name};
  Config config = loss_config("CategoricalCrossentropy", "categorical_crossentropy", common);
  config.set("from_logits", o.from_logits).set("label_smoothing", o.label_smoothing).set("axis", o.axis);
  auto function = [o](const Value& y, const Value& p) {
    // Keras divides by the size of the last axis, whichever the class axis is.
    const Value target = smoothed(y, o.label_smoothing, 1 / static_cast<double>(y.shape()[-1]));
    return ops::categorical_crossentropy(class_axis_last(target, o.axis), class_axis_last(p, o.axis), o.from_logits);
  };
  return made(function, "categorical_crossentropy", common, std::move(config));
}

Loss SparseCategoricalCrossentropy(SparseCrossentropyOptions o) {
  const LossOptions common{o.reduction, o.name};
  Config config = loss_config("SparseCategoricalCrossentropy", "sparse_categorical_crossentropy", common);
  config.set("from_logits", o.from_logits).set("ignore_class", o.ignore_class);
  if (o.axis != -1) config.set("axis", o.axis);  // Keras itself leaves it out
  auto function = [o](Value y, const Value& p) {
    const int axis = o.axis < 0 ? o.axis + p.rank() : o.axis;
    const Value x = class_axis_last(p, o.axis);
    if (y.rank() == p.rank() && y.shape()[axis] == 1) y = ops::squeeze(y, axis);
    y = ops::cast(y, DType::int32);
    if (!o.ignore_class) return ops::sparse_categorical_crossentropy(y, x, o.from_logits);
    const Value counts = ops::not_equal(y, static_cast<double>(*o.ignore_class));
    const Value loss = ops::sparse_categorical_crossentropy(ops::where(counts, y, 0.0), x, o.from_logits);
    return ops::where(counts, loss, 0.0);
  };
  return made(function, "sparse_categorical_crossentropy", common, std::move(config))
      .with_sparse_labels({.axis = o.axis, .ignored = o.ignore_class});
}

Loss BinaryFocalCrossentropy(BinaryFocalOptions o) {
  check_smoothing("BinaryFocalCrossentropy", o.label_smoothing);
  const LossOptions common{o.reduction, o.name};
  Config config = loss_config("BinaryFocalCrossentropy", "binary_focal_crossentropy", common);
  config.set("from_logits", o.from_logits).set("label_smoothing", o.label_smoothing).set("axis", o.axis);
  config.set("apply_class_balancing", o.apply_class_balancing).set("alpha", o.alpha).set("gamma", o.gamma);
  auto function = [o](const Value& target, const Value& prediction) {
    const Value y = smoothed(target, o.label_smoothing, 0.5);
    const Value p = o.from_logits ? ops::sigmoid(prediction) : prediction;
    const Value q = y * p + (1.0 - y) * (1.0 - p);
    Value loss = ops::power(1.0 - q, o.gamma) * ops::binary_crossentropy(y, p);
    if (o.apply_class_balancing) loss = (y * o.alpha + (1.0 - y) * (1 - o.alpha)) * loss;
    return ops::mean(loss, {o.axis});
  };
  return made(function, "binary_focal_crossentropy", common, std::move(config));
}

Loss CategoricalFocalCrossentropy(CategoricalFocalOptions o) {
  check_smoothing("CategoricalFocalCrossentropy", o.label_smoothing);
  const LossOptions common{o.reduction, o.name};
  Config config = loss_config("CategoricalFocalCrossentropy", "categorical_focal_crossentropy", common);
  config.set("from_logits", o.from_logits).set("label_smoothing", o.label_smoothing).set("axis", o.axis);
  config.set("alpha", o.alpha).set("gamma", o.gamma);
  auto function = [o](const Value& target, const Value& prediction) {
    const Value y = smoothed(target, o.label_smoothing, 1 / static_cast<double>(target.shape()[-1]));
    Value p = o.from_logits ? ops::softmax(prediction, o.axis) : prediction;
    p = ops::clip(p / ops::sum(p, {o.axis}, true), kEpsilon, 1 - kEpsilon);
    return ops::sum(ops::power(1.0 - p, o.gamma) * o.alpha * (-y * ops::log(p)), {o.axis});
  };
  return made(function, "categorical_focal_crossentropy", common, std::move(config));
}

Loss KLDivergence(LossOptions options) {
  return plain(
      [](const Value& target, const Value& prediction) {
        const Value y = ops::clip(target, kEpsilon, 1), p = ops::clip(prediction, kEpsilon, 1);
        return ops::sum(y * ops::log(y / p), {-1});
      },
      "KLDivergence", "kl_divergence", options);
}

Loss Poisson(LossOptions options) {
  return plain([](const Value& y, const Value& p) { return mean_last(p - y * ops::log(p + kEpsilon)); }, "Poisson",
               "poisson", options);
}

Loss Hinge(LossOptions options) {
  return plain([](const Value& y, const Value& p) { return mean_last(ops::maximum(1.0 - signs(y) * p, 0.0)); }, "Hinge",
               "hinge", options);
}

Loss SquaredHinge(LossOptions options) {
  return plain(
      [](const Value& y, const Value& p) { return mean_last(ops::square(ops::maximum(1.0 - signs(y) * p, 0.0))); },
      "SquaredHinge", "squared_hinge", options);
}

Loss CategoricalHinge(LossOptions options) {
  return plain(
      [](const Value& y, const Value& p) {
        const Value right = ops::sum(y * p, {-1}), wrong = ops::max((1.0 - y) * p, {-1});
        return ops::maximum(wrong - right + 1.0, 0.0);
      },
      "CategoricalHinge", "categorical_hinge", options);
}

Loss Dice(DiceOptions o) {
  const LossOptions common{o.reduction, o.name};
  Config config = loss_config("Dice", "dice", common);
  if (!o.axis.empty()) config.set("axis", o.axis);
  auto function = [axis = o.axis](const Value& y, const Value& p) {
    return 1.0 - ops::sum(y * p, axis) * 2.0 / (ops::sum(y, axis) + ops::sum(p, axis) + kEpsilon);
  };
  return made(function, "dice", common, std::move(config));
}

Loss Tversky(TverskyOptions o) {
  const LossOptions common{o.reduction, o.name};
  Config config = loss_config("Tversky", "tversky", common);
  config.set("alpha", o.alpha).set("beta", o.beta);
  if (!o.axis.empty()) config.set("axis", o.axis);
  auto function = [o](const Value& y, const Value& p) {
    const Value both = ops::sum(y * p, o.axis);
    const Value missed = ops::sum((1.0 - p) * y, o.axis), wrong = ops::sum(p * (1.0 - y), o.axis);
    return 1.0 - both / (both + missed * o.alpha + wrong * o.beta + kEpsilon);
  };
  return made(function, "tversky", common, std::move(config));
}

Loss CategoricalGeneralizedCrossEntropy(double q, LossOptions options) {
  check(q > 0 && q < 1, "CategoricalGeneralizedCrossEntropy", "q must lie between 0 and 1", q);
  constexpr const char* kName = "categorical_generalized_cross_entropy";
  Config config = loss_config("CategoricalGeneralizedCrossEntropy", kName, options);
  config.set("q", q);
  auto function = [q](Value y, const Value& p) {
    if (y.rank() == p.rank() && y.shape()[-1] == 1) y = ops::squeeze(y, -1);
    const Value right = ops::sum(p * ops::one_hot(y, p.shape()[-1], p.dtype()), {-1});
    return (1.0 - ops::power(right, q)) / q;
  };
  return made(function, kName, options, std::move(config)).with_sparse_labels({});
}

Loss Circle(CircleOptions o) {
  const LossOptions common{o.reduction, o.name};
  Config config = loss_config("Circle", "circle", common);
  config.set("gamma", o.gamma).set("margin", o.margin).set("remove_diagonal", o.remove_diagonal);
  auto function = [o](const Value& labels, const Value& p) {
    const std::int64_t n = p.shape()[0];
    if (p.rank() != 2 || labels.shape().size() != n) {
      throw InvalidArgument("loss circle: expected embeddings (n, d) and a class number for each, got shapes " +
                            p.shape().to_string() + " and " + labels.shape().to_string());
    }
    const Value y = ops::cast(labels, DType::int32);
    Value same = ops::equal(ops::reshape(y, {n, 1}), ops::reshape(y, {1, n}));
    const Value other = ops::logical_not(same);
    if (o.remove_diagonal) {
      same = ops::logical_and(same, ops::not_equal(ops::iota({n, 1}, 0), ops::iota({1, n}, 1)));
    }
    const Value distance = ops::maximum(1.0 - ops::matmul(p, p, {.transpose_b = true}), 0.0);
    const Value near = ops::maximum(distance + o.margin, 0.0) * (distance - o.margin) * o.gamma;
    const Value far = ops::maximum(1 + o.margin - distance, 0.0) * (1 - o.margin - distance) * o.gamma;
    // Without any of its class, or of others, the loss is 0.
    constexpr double kNothing = -1e9;
    const Value total =
        ops::logsumexp(ops::where(same, near, kNothing), {1}) + ops::logsumexp(ops::where(other, far, kNothing), {1});
    return ops::softplus(total);
  };
  return made(function, "circle", common, std::move(config)).with_sparse_labels({.any_number = true}).without_zeros();
}

Loss CTC(LossOptions options) {
  auto function = [](const Value& y, const Value& p) {
    if (y.rank() != 2 || p.rank() != 3) {
      throw InvalidArgument("loss ctc: expected labels (n, labels) and logits (n, time, classes), got shapes " +
                            y.shape().to_string() + " and " + p.shape().to_string());
    }
    const Value labels = ops::sum(ops::cast(ops::not_equal(y, 0.0), DType::int32), {1});
    const std::int64_t n = p.shape()[0];
    const Value steps = constant(Tensor::full({n}, static_cast<double>(p.shape()[1]), DType::int32));
    return ops::ctc_loss(y, p, labels, steps);
  };
  return made(function, "ctc", options, loss_config("CTC", "ctc", options)).with_sparse_labels({});
}

}  // namespace keratin::losses
