// Keras's own losses and metrics by name and from their configurations.
#include "keratin/core/model/config_variant.h"
#include "keratin/core/training/detail/standard.h"

namespace keratin {
namespace {

using detail::optional_integer;
using detail::optional_integers;
using detail::optional_numbers;
using detail::optional_small_integer;

// ---- losses ----

// The arguments all losses have: "auto" is Keras 2's word for the mean, and null means none.
losses::LossOptions loss_common(ConfigReader& c) {
  c.ignore("fn");
  c.expect("dtype", {"float32", {}});
  losses::LossOptions options;
  const ConfigValue* reduction = c.config().find("reduction");
  options.reduction = c.text("reduction", options.reduction);
  if (reduction && reduction->is_null()) options.reduction = "none";
  if (options.reduction == "auto") options.reduction = "sum_over_batch_size";
  const ConfigValue* name = c.config().find("name");
  if (name && !name->is_null()) options.name = c.text("name", "");
  return options;
}

losses::CrossentropyOptions crossentropy_options(ConfigReader& c) {
  const losses::LossOptions common = loss_common(c);
  return {.from_logits = c.boolean("from_logits", false),
          .label_smoothing = c.number("label_smoothing", 0.0),
          .axis = c.small_integer("axis", -1),
          .reduction = common.reduction,
          .name = common.name};
}

constexpr StandardClass<Loss> kLosses[] = {
    {"MeanSquaredError", [](ConfigReader& c) { return losses::MeanSquaredError(loss_common(c)); }, "mse MSE"},
    {"MeanAbsoluteError", [](ConfigReader& c) { return losses::MeanAbsoluteError(loss_common(c)); }, "mae MAE"},
    {"MeanAbsolutePercentageError", [](ConfigReader& c) { return losses::MeanAbsolutePercentageError(loss_common(c)); },
     "mape MAPE"},
    {"MeanSquaredLogarithmicError", [](ConfigReader& c) { return losses::MeanSquaredLogarithmicError(loss_common(c)); },
     "msle MSLE"},
    {"Huber", [](ConfigReader& c) { return losses::Huber(c.number("delta", 1.0), loss_common(c)); }, "huber_loss"},
    {"LogCosh", [](ConfigReader& c) { return losses::LogCosh(loss_common(c)); }, "logcosh"},
    {"CosineSimilarity",
     [](ConfigReader& c) { return losses::CosineSimilarity(c.small_integer("axis", -1), loss_common(c)); }},
    {"BinaryCrossentropy", [](ConfigReader& c) { return losses::BinaryCrossentropy(crossentropy_options(c)); },
     "bce BCE"},
    {"CategoricalCrossentropy",
     [](ConfigReader& c) { return losses::CategoricalCrossentropy(crossentropy_options(c)); }},
    {"SparseCategoricalCrossentropy",
     [](ConfigReader& c) {
       const losses::LossOptions common = loss_common(c);
       return losses::SparseCategoricalCrossentropy({.from_logits = c.boolean("from_logits", false),
                                                     .ignore_class = optional_integer(c, "ignore_class"),
                                                     .reduction = common.reduction,
                                                     .axis = c.small_integer("axis", -1),
                                                     .name = common.name});
     }},
    {"BinaryFocalCrossentropy",
     [](ConfigReader& c) {
       const losses::CrossentropyOptions o = crossentropy_options(c);
       return losses::BinaryFocalCrossentropy({.apply_class_balancing = c.boolean("apply_class_balancing", false),
                                               .alpha = c.number("alpha", 0.25),
                                               .gamma = c.number("gamma", 2.0),
                                               .from_logits = o.from_logits,
                                               .label_smoothing = o.label_smoothing,
                                               .axis = o.axis,
                                               .reduction = o.reduction,
                                               .name = o.name});
     }},
    {"CategoricalFocalCrossentropy",
     [](ConfigReader& c) {
       const losses::CrossentropyOptions o = crossentropy_options(c);
       return losses::CategoricalFocalCrossentropy({.alpha = c.number("alpha", 0.25),
                                                    .gamma = c.number("gamma", 2.0),
                                                    .from_logits = o.from_logits,
                                                    .label_smoothing = o.label_smoothing,
                                                    .axis = o.axis,
                                                    .reduction = o.reduction,
                                                    .name = o.name});
     }},
    {"KLDivergence", [](ConfigReader& c) { return losses::KLDivergence(loss_common(c)); },
     "kld KLD kullback_leibler_divergence"},
    {"Poisson", [](ConfigReader& c) { return losses::Poisson(loss_common(c)); }},
    {"Hinge", [](ConfigReader& c) { return losses::Hinge(loss_common(c)); }},
    {"SquaredHinge", [](ConfigReader& c) { return losses::SquaredHinge(loss_common(c)); }},
    {"CategoricalHinge", [](ConfigReader& c) { return losses::CategoricalHinge(loss_common(c)); }},
    {"Dice",
     [](ConfigReader& c) {
       const losses::LossOptions common = loss_common(c);
       return losses::Dice({.reduction = common.reduction, .name = common.name, .axis = optional_integers(c, "axis")});
     }},
    {"Tversky",
     [](ConfigReader& c) {
       const losses::LossOptions common = loss_common(c);
       return losses::Tversky({.alpha = c.number("alpha", 0.5),
                               .beta = c.number("beta", 0.5),
                               .reduction = common.reduction,
                               .name = common.name,
                               .axis = optional_integers(c, "axis")});
     }},
    {"CategoricalGeneralizedCrossEntropy",
     [](ConfigReader& c) { return losses::CategoricalGeneralizedCrossEntropy(c.number("q", 0.5), loss_common(c)); }},
    {"Circle",
     [](ConfigReader& c) {
       const losses::LossOptions common = loss_common(c);
       return losses::Circle({.gamma = c.number("gamma", 80.0),
                              .margin = c.number("margin", 0.4),
                              .remove_diagonal = c.boolean("remove_diagonal", true),
                              .reduction = common.reduction,
                              .name = common.name});
     }},
    {"CTC", [](ConfigReader& c) { return losses::CTC(loss_common(c)); }},
};

// ---- metrics ----

std::string metric_name(ConfigReader& c, const char* missing) {
  c.expect("dtype", {"float32", {}});
  const ConfigValue* name = c.config().find("name");
  if (name && name->is_null()) {
    c.ignore("name");
    return missing;
  }
  return c.text("name", missing);
}

std::string optional_text(ConfigReader& c, std::string_view key, const char* missing) {
  const ConfigValue* value = c.config().find(key);
  if (!value || !value->is_null()) return c.text(key, missing);
  c.ignore(key);
  return "";
}

metrics::CountOptions count_options(ConfigReader& c) {
  return {.thresholds = optional_numbers(c, "thresholds"), .name = metric_name(c, "")};
}
metrics::PrecisionOptions precision_options(ConfigReader& c) {
  return {.thresholds = optional_numbers(c, "thresholds"),
          .top_k = optional_small_integer(c, "top_k"),
          .class_id = optional_small_integer(c, "class_id"),
          .name = metric_name(c, "")};
}
metrics::AtOptions at_options(ConfigReader& c) {
  return {.num_thresholds = c.small_integer("num_thresholds", 200),
          .class_id = optional_small_integer(c, "class_id"),
          .name = metric_name(c, "")};
}
// A list of thresholds comes with their number.
metrics::AUCOptions auc_options(ConfigReader& c) {
  return {.num_thresholds = c.small_integer("num_thresholds", 200),
          .curve = c.text("curve", "ROC"),
          .summation_method = c.text("summation_method", "interpolation"),
          .name = metric_name(c, ""),
          .thresholds = optional_numbers(c, "thresholds"),
          .multi_label = c.boolean("multi_label", false),
          .num_labels = optional_small_integer(c, "num_labels"),
          .label_weights = optional_numbers(c, "label_weights"),
          .from_logits = c.boolean("from_logits", false)};
}
metrics::F1ScoreOptions f1_options(ConfigReader& c, const char* name) {
  return {.average = optional_text(c, "average", ""),
          .threshold = c.optional_number("threshold"),
          .name = metric_name(c, name)};
}

std::string overlap_name(ConfigReader& c) {
  const ConfigValue* name = c.config().find("name");
  if (name && !name->is_null()) return c.text("name", "");
  c.ignore("name");
  return "";
}
// Counts are whole numbers unless asked otherwise. Keras with TensorFlow calls them int64.
DType overlap_dtype(ConfigReader& c) {
  const ConfigValue* dtype = c.config().find("dtype");
  const auto* text = dtype ? std::get_if<std::string>(&dtype->variant()) : nullptr;
  if (text && (*text == "int" || *text == "int64")) {
    c.ignore("dtype");
    return DType::int32;
  }
  return c.dtype("dtype", DType::int32);
}
std::vector<int> class_ids(ConfigReader& c) {
  const std::vector<std::int64_t> ids = c.integers("target_class_ids");
  return {ids.begin(), ids.end()};
}
metrics::IoUOptions iou_options(ConfigReader& c) {
  return {.name = overlap_name(c),
          .dtype = overlap_dtype(c),
          .ignore_class = optional_small_integer(c, "ignore_class"),
          .sparse_y_true = c.boolean("sparse_y_true", true),
          .sparse_y_pred = c.boolean("sparse_y_pred", true),
          .axis = c.small_integer("axis", -1)};
}
metrics::OneHotIoUOptions one_hot_options(ConfigReader& c) {
  return {.name = overlap_name(c),
          .dtype = overlap_dtype(c),
          .ignore_class = optional_small_integer(c, "ignore_class"),
          .sparse_y_pred = c.boolean("sparse_y_pred", false),
          .axis = c.small_integer("axis", -1)};
}

constexpr StandardClass<Metric> kMetrics[] = {
    {"Mean", [](ConfigReader& c) { return metrics::Mean(metric_name(c, "mean")); }},
    {"Sum", [](ConfigReader& c) { return metrics::Sum(metric_name(c, "sum")); }},
    {"Accuracy", [](ConfigReader& c) { return metrics::Accuracy(metric_name(c, "accuracy")); }},
    {"BinaryAccuracy",
     [](ConfigReader& c) {
       return metrics::BinaryAccuracy(metric_name(c, "binary_accuracy"), c.number("threshold", 0.5));
     }},
    {"CategoricalAccuracy",
     [](ConfigReader& c) { return metrics::CategoricalAccuracy(metric_name(c, "categorical_accuracy")); }},
    {"SparseCategoricalAccuracy",
     [](ConfigReader& c) { return metrics::SparseCategoricalAccuracy(metric_name(c, "sparse_categorical_accuracy")); }},
    {"TopKCategoricalAccuracy",
     [](ConfigReader& c) {
       return metrics::TopKCategoricalAccuracy(c.small_integer("k", 5), metric_name(c, "top_k_categorical_accuracy"));
     }},
    {"SparseTopKCategoricalAccuracy",
     [](ConfigReader& c) {
       const int k = c.small_integer("k", 5);
       const std::string name = metric_name(c, "sparse_top_k_categorical_accuracy");
       return metrics::SparseTopKCategoricalAccuracy(k, name, c.boolean("from_sorted_ids", false));
     }},
    {"MeanSquaredError",
     [](ConfigReader& c) { return metrics::MeanSquaredError(metric_name(c, "mean_squared_error")); }, "mse MSE"},
    {"RootMeanSquaredError",
     [](ConfigReader& c) { return metrics::RootMeanSquaredError(metric_name(c, "root_mean_squared_error")); }},
    {"MeanAbsoluteError",
     [](ConfigReader& c) { return metrics::MeanAbsoluteError(metric_name(c, "mean_absolute_error")); }, "mae MAE"},
    {"MeanAbsolutePercentageError",
     [](ConfigReader& c) {
       return metrics::MeanAbsolutePercentageError(metric_name(c, "mean_absolute_percentage_error"));
     },
     "mape MAPE"},
    {"MeanSquaredLogarithmicError",
     [](ConfigReader& c) {
       return metrics::MeanSquaredLogarithmicError(metric_name(c, "mean_squared_logarithmic_error"));
     },
     "msle MSLE"},
    {"LogCoshError", [](ConfigReader& c) { return metrics::LogCoshError(metric_name(c, "logcosh")); }},
    {"CosineSimilarity",
     [](ConfigReader& c) {
       return metrics::CosineSimilarity(metric_name(c, "cosine_similarity"), c.small_integer("axis", -1));
     }},
    {"R2Score",
     [](ConfigReader& c) {
       return metrics::R2Score({.class_aggregation = optional_text(c, "class_aggregation", "uniform_average"),
                                .num_regressors = c.small_integer("num_regressors", 0),
                                .name = metric_name(c, "r2_score")});
     }},
    {"BinaryCrossentropy",
     [](ConfigReader& c) {
       c.expect("axis", {-1});
       const std::string name = metric_name(c, "binary_crossentropy");
       return metrics::BinaryCrossentropy(name, c.boolean("from_logits", false), c.number("label_smoothing", 0.0));
     },
     "bce BCE"},
    {"CategoricalCrossentropy",
     [](ConfigReader& c) {
       const std::string name = metric_name(c, "categorical_crossentropy");
       return metrics::CategoricalCrossentropy(name, c.boolean("from_logits", false), c.number("label_smoothing", 0.0),
                                               c.small_integer("axis", -1));
     }},
    {"SparseCategoricalCrossentropy",
     [](ConfigReader& c) {
       c.expect("label_smoothing", {0, 0.0});
       const std::string name = metric_name(c, "sparse_categorical_crossentropy");
       return metrics::SparseCategoricalCrossentropy(name, c.boolean("from_logits", false),
                                                     optional_integer(c, "ignore_class"), c.small_integer("axis", -1));
     }},
    {"KLDivergence", [](ConfigReader& c) { return metrics::KLDivergence(metric_name(c, "kl_divergence")); },
     "kld KLD kullback_leibler_divergence"},
    {"Poisson", [](ConfigReader& c) { return metrics::Poisson(metric_name(c, "poisson")); }},
    {"Hinge", [](ConfigReader& c) { return metrics::Hinge(metric_name(c, "hinge")); }},
    {"SquaredHinge", [](ConfigReader& c) { return metrics::SquaredHinge(metric_name(c, "squared_hinge")); }},
    {"CategoricalHinge",
     [](ConfigReader& c) { return metrics::CategoricalHinge(metric_name(c, "categorical_hinge")); }},
    {"PearsonCorrelation",
     [](ConfigReader& c) {
       return metrics::PearsonCorrelation(metric_name(c, "pearson_correlation"), c.small_integer("axis", -1));
     }},
    {"ConcordanceCorrelation",
     [](ConfigReader& c) {
       return metrics::ConcordanceCorrelation(metric_name(c, "concordance_correlation"), c.small_integer("axis", -1));
     }},
    {"TruePositives", [](ConfigReader& c) { return metrics::TruePositives(count_options(c)); }},
    {"TrueNegatives", [](ConfigReader& c) { return metrics::TrueNegatives(count_options(c)); }},
    {"FalsePositives", [](ConfigReader& c) { return metrics::FalsePositives(count_options(c)); }},
    {"FalseNegatives", [](ConfigReader& c) { return metrics::FalseNegatives(count_options(c)); }},
    {"Precision", [](ConfigReader& c) { return metrics::Precision(precision_options(c)); }},
    {"Recall", [](ConfigReader& c) { return metrics::Recall(precision_options(c)); }},
    {"SensitivityAtSpecificity",
     [](ConfigReader& c) { return metrics::SensitivityAtSpecificity(c.number("specificity"), at_options(c)); }},
    {"SpecificityAtSensitivity",
     [](ConfigReader& c) { return metrics::SpecificityAtSensitivity(c.number("sensitivity"), at_options(c)); }},
    {"PrecisionAtRecall",
     [](ConfigReader& c) { return metrics::PrecisionAtRecall(c.number("recall"), at_options(c)); }},
    {"RecallAtPrecision",
     [](ConfigReader& c) { return metrics::RecallAtPrecision(c.number("precision"), at_options(c)); }},
    {"AUC", [](ConfigReader& c) { return metrics::AUC(auc_options(c)); }},
    {"F1Score", [](ConfigReader& c) { return metrics::F1Score(f1_options(c, "f1_score")); }},
    {"FBetaScore",
     [](ConfigReader& c) {
       const metrics::F1ScoreOptions o = f1_options(c, "fbeta_score");
       return metrics::FBetaScore(
           {.average = o.average, .beta = c.number("beta", 1.0), .threshold = o.threshold, .name = o.name});
     }},
    {"IoU", [](ConfigReader& c) { return metrics::IoU(c.small_integer("num_classes"), class_ids(c), iou_options(c)); }},
    {"MeanIoU", [](ConfigReader& c) { return metrics::MeanIoU(c.small_integer("num_classes"), iou_options(c)); }},
    {"OneHotIoU",
     [](ConfigReader& c) {
       return metrics::OneHotIoU(c.small_integer("num_classes"), class_ids(c), one_hot_options(c));
     }},
    {"OneHotMeanIoU",
     [](ConfigReader& c) { return metrics::OneHotMeanIoU(c.small_integer("num_classes"), one_hot_options(c)); }},
    {"BinaryIoU",
     [](ConfigReader& c) {
       metrics::BinaryIoUOptions options{
           .threshold = c.number("threshold", 0.5), .name = overlap_name(c), .dtype = overlap_dtype(c)};
       if (c.config().find("target_class_ids")) options.target_class_ids = class_ids(c);
       return metrics::BinaryIoU(std::move(options));
     }},
    // How Keras 2 writes a metric that was given by name.
    {"MeanMetricWrapper",
     [](ConfigReader& c) {
       c.ignore("name");
       c.expect("dtype", {"float32", {}});
       return Metric(c.text("fn"));
     }},
};

}  // namespace

namespace detail {

std::span<const StandardClass<Loss>> standard_losses() { return kLosses; }
std::span<const StandardClass<Metric>> standard_metrics() { return kMetrics; }

std::vector<double> optional_numbers(ConfigReader& c, std::string_view key) {
  const ConfigValue* value = c.config().find(key);
  // Keras keeps AUC's label_weights as a tensor: {"class_name": "__tensor__", "config": {"value": [...]}}.
  const auto* object = value ? std::get_if<ConfigValue::Object>(&value->variant()) : nullptr;
  const ConfigValue* inner = object ? (*object)->find("config") : nullptr;
  const auto* tensor = inner ? std::get_if<ConfigValue::Object>(&inner->variant()) : nullptr;
  if (tensor && (*tensor)->find("value")) {
    c.ignore(key);
    ConfigReader reader(**tensor, c.where() + ": " + std::string(key), c.problems());
    return reader.numbers("value");
  }
  if (value && std::holds_alternative<ConfigValue::List>(value->variant())) return c.numbers(key);
  const std::optional<double> number = c.optional_number(key);
  return number ? std::vector<double>{*number} : std::vector<double>{};
}

std::vector<int> optional_integers(ConfigReader& c, std::string_view key) {
  const ConfigValue* value = c.config().find(key);
  if (!value || value->is_null()) {
    c.ignore(key);
    return {};
  }
  const std::vector<std::int64_t> numbers = c.integers(key);
  return {numbers.begin(), numbers.end()};
}

}  // namespace detail

Loss::Loss(const std::string& name) : Loss(detail::made_by_name("loss", detail::standard_losses(), name)) {}

Metric::Metric(const std::string& name) {
  if (name == "accuracy" || name == "acc") {
    *this = detail::resolved_accuracy(name);
  } else if (name == "crossentropy" || name == "ce") {
    *this = detail::resolved_crossentropy(name);
  } else {
    // As in Keras, the metric is called as it was asked for: "mse".
    *this = detail::made_by_name("metric", detail::standard_metrics(), name, Config().set("name", name));
  }
}

}  // namespace keratin
