#include "keratin/layers/preprocessing/normalization.h"

#include <algorithm>
#include <cmath>

#include "keratin/core/graph/leaves.h"
#include "keratin/core/model/config_variant.h"
#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin {
namespace {

// Mean and variance of numbers that come in pieces, for each of several groups.
class Statistics {
 public:
  explicit Statistics(std::size_t groups) : mean_(groups, 0.0), variance_(groups, 0.0) {}

  // `group_of(i)`: the group of element i.
  template <class GroupOf>
  void add(std::span<const double> values, GroupOf group_of) {
    if (values.empty()) return;
    const double count = static_cast<double>(values.size()) / static_cast<double>(mean_.size());
    std::vector<double> mean(mean_.size(), 0.0), variance(mean_.size(), 0.0);
    for (std::size_t i = 0; i < values.size(); ++i) mean[group_of(i)] += values[i] / count;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double centered = values[i] - mean[group_of(i)];
      variance[group_of(i)] += centered * centered / count;
    }
    count_ += count;
    const double share = count / count_;
    for (std::size_t g = 0; g < mean.size(); ++g) {
      const double apart = mean[g] - mean_[g];
      variance_[g] = variance_[g] * (1 - share) + variance[g] * share + apart * apart * share * (1 - share);
      mean_[g] += apart * share;
    }
  }

  bool empty() const { return count_ == 0; }
  const std::vector<double>& mean() const { return mean_; }
  const std::vector<double>& variance() const { return variance_; }

 private:
  double count_ = 0;  // in each group
  std::vector<double> mean_, variance_;
};

// A number, a list, or a list of lists: as Python writes an array.
ConfigValue nested(const Tensor& tensor) {
  if (!tensor.defined()) return {};
  const Tensor numbers = tensor.astype(DType::float64);
  if (tensor.rank() == 0) return numbers.item();
  ConfigValue::List list;
  for (std::int64_t i = 0; i < tensor.shape()[0]; ++i) {
    list.push_back(nested(numbers.rows(i, i + 1).reshape(tensor.shape().slice(1, tensor.rank()))));
  }
  return list;
}

// Appends the numbers of a nested list; false when it is no array. `shape` has the sizes found so far.
bool read_nested(const ConfigValue& value, std::size_t depth, std::vector<std::int64_t>& shape,
                 std::vector<double>& numbers) {
  const auto* list = std::get_if<ConfigValue::List>(&value.variant());
  if (!list) {
    const auto* real = std::get_if<double>(&value.variant());
    const auto* whole = std::get_if<std::int64_t>(&value.variant());
    if ((!real && !whole) || depth != shape.size()) return false;
    numbers.push_back(real ? *real : static_cast<double>(*whole));
    return true;
  }
  const auto size = static_cast<std::int64_t>(list->size());
  if (depth == shape.size() && numbers.empty()) shape.push_back(size);
  if (depth >= shape.size() || shape[depth] != size || depth > 8) return false;
  return std::all_of(list->begin(), list->end(),
                     [&](const ConfigValue& item) { return read_nested(item, depth + 1, shape, numbers); });
}

Tensor read_array(ConfigReader& c, std::string_view key) {
  const ConfigValue* value = c.take(key);
  if (!value || value->is_null()) return {};
  std::vector<std::int64_t> shape;
  std::vector<double> numbers;
  if (read_nested(*value, 0, shape, numbers) && !numbers.empty()) return Tensor(Shape(shape), numbers);
  c.problem(key, "expected a number or a list of them, got " + value->to_json());
  return {};
}

class NormalizationLayer final : public LayerImpl {
 public:
  explicit NormalizationLayer(const NormalizationOptions& options)
      : LayerImpl("Normalization", options.name, options.trainable), options_(options) {
    const Tensor &mean = options_.mean, &variance = options_.variance;
    if (mean.defined() != variance.defined() || mean.shape() != variance.shape()) {
      throw InvalidArgument("Normalization: mean and variance must be given together and have the same shape, got " +
                            (mean.defined() ? mean.shape().to_string() : "no mean") + " and " +
                            (variance.defined() ? variance.shape().to_string() : "no variance"));
    }
    if (mean.rank() > static_cast<int>(options_.axis.list().size())) {
      throw InvalidArgument("Normalization: mean has the shape " + mean.shape().to_string() + ", but axis names only " +
                            std::to_string(options_.axis.list().size()) + " axes");
    }
  }

  Config config() const override {
    return LayerImpl::config()
        .set("axis", options_.axis.list())
        .set("invert", options_.invert)
        .set("mean", nested(options_.mean))
        .set("variance", nested(options_.variance));
  }

  bool supports_masking() const override { return true; }

  Value call(Value x, CallContext& context) override {
    x = op_support::to_floating(x);
    const bool given = options_.mean.defined();
    const auto along = [&](const Tensor& number, const Variable& weight) {
      const Value value = given ? constant(number) : context.value_of(weight);
      return broadcastable(ops::cast(value, x.dtype()), x.shape());
    };
    const Value mean = along(options_.mean, mean_), variance = along(options_.variance, variance_);
    const Value deviation = ops::maximum(ops::sqrt(variance), 1e-7);
    return options_.invert ? mean + x * deviation : (x - mean) / deviation;
  }

  // Adds data to the statistics, which are made for its shape if there are none yet.
  void adapt(const Tensor& data, std::optional<Statistics>& statistics) {
    if (options_.mean.defined()) throw InvalidArgument("adapt: mean and variance were given; leave them out");
    if (!data.defined() || data.rank() == 0) throw InvalidArgument("adapt: expected data with a batch axis, got none");
    Shape shape = data.shape();
    const std::vector<int> kept = kept_axes(shape);
    if (kept.empty() || kept.front() > 0) shape[0] = kUnknown;
    build_for(std::span<const Shape>(&shape, 1));
    if (!statistics) statistics.emplace(static_cast<std::size_t>(mean_.shape().size()));
    // As many rows at a time as make a copy in double precision cheap, unless every row has its own statistics.
    const std::int64_t rows = data.shape()[0], row = data.size() / std::max<std::int64_t>(rows, 1);
    const bool whole = !kept.empty() && kept.front() == 0;
    const std::int64_t step = whole ? rows : std::max<std::int64_t>(1, (1 << 20) / std::max<std::int64_t>(row, 1));
    for (std::int64_t begin = 0; begin < rows; begin += step) {
      const Tensor part = data.rows(begin, std::min(rows, begin + step)).astype(DType::float64);
      statistics->add(part.values<double>(), [&](std::size_t i) { return group_of(i, part.shape(), kept); });
    }
  }

  void finish(const std::optional<Statistics>& statistics) {
    if (!statistics || statistics->empty()) throw InvalidArgument("adapt: there is no data");
    mean_.assign(Tensor(mean_.shape(), statistics->mean()).astype(mean_.dtype()));
    variance_.assign(Tensor(variance_.shape(), statistics->variance()).astype(variance_.dtype()));
  }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override {
    const Shape& input = inputs[0];
    const std::vector<int> kept = kept_axes(input);
    for (int axis : kept) detail::require_size(input, axis, "elements on axis " + std::to_string(axis));
    if (built() && (input.rank() != input_shapes()[0].rank() || sizes(input) != sizes(input_shapes()[0]))) {
      throw InvalidArgument("it was built for inputs of shape " + input_shapes()[0].to_string() + ", got " +
                            input.to_string());
    }
    const Tensor& mean = options_.mean;
    for (int i = 1; i <= mean.rank(); ++i) {
      const std::int64_t size = input[kept[kept.size() - static_cast<std::size_t>(i)]];
      if (mean.shape()[-i] == size || mean.shape()[-i] == 1) continue;
      throw InvalidArgument("its mean has the shape " + mean.shape().to_string() +
                            ", which does not fit an input of shape " + input.to_string());
    }
  }

  void build(const Shape& input) override {
    if (options_.mean.defined()) return;
    mean_ = add_weight("mean", sizes(input), {.trainable = false});
    variance_ = add_weight("variance", sizes(input), {.initializer = "ones", .trainable = false});
    count_ = add_weight("count", {}, {.trainable = false, .dtype = DType::int32});
  }

 private:
  std::vector<int> kept_axes(const Shape& input) const {
    return options_.axis.list().empty() ? std::vector<int>{} : detail::resolve_axes(options_.axis, input);
  }
  Shape sizes(const Shape& input) const {
    Shape result;
    for (int axis : kept_axes(input)) result.push_back(input[axis]);
    return result;
  }

  // Statistics in a shape that broadcasts to x's: their axes are the last ones of those kept.
  Value broadcastable(const Value& value, const Shape& x) const {
    const std::vector<int> kept = kept_axes(x);
    Shape shape(std::vector<std::int64_t>(static_cast<std::size_t>(x.rank()), 1));
    for (int i = 1; i <= value.rank(); ++i) shape[kept[kept.size() - static_cast<std::size_t>(i)]] = value.shape()[-i];
    return ops::reshape(value, shape);
  }

  static std::size_t group_of(std::size_t element, const Shape& shape, const std::vector<int>& kept) {
    std::size_t group = 0, factor = 1;
    auto next = kept.rbegin();
    for (int axis = shape.rank() - 1; axis >= 0 && next != kept.rend(); --axis) {
      const auto size = static_cast<std::size_t>(shape[axis]);
      if (axis == *next) {
        group += element % size * factor;
        factor *= size;
        ++next;
      }
      element /= size;
    }
    return group;
  }

  NormalizationOptions options_;
  Variable mean_, variance_, count_;
};

// Calls `add` with something that adds data to the statistics, then sets these.
template <class Add>
void adapt_layer(const Layer& layer, Add add) {
  auto& impl = static_cast<NormalizationLayer&>(layer.impl());
  try {
    std::optional<Statistics> statistics;
    add([&](const Tensor& data) { impl.adapt(data, statistics); });
    impl.finish(statistics);
  } catch (const Error& error) {
    const std::string where = impl.name() + " (Normalization)";
    if (std::string(error.what()).starts_with(where)) throw;
    error.rethrow_in(where);
  }
}

}  // namespace

Normalization::Normalization(const NormalizationOptions& options)
    : Layer(std::make_shared<NormalizationLayer>(options)) {}

Normalization::Normalization(const Layer& layer) : Layer(layer) {
  if (dynamic_cast<NormalizationLayer*>(&layer.impl())) return;
  throw InvalidArgument(layer.name() + " (" + layer.class_name() + "): expected a Normalization");
}

void Normalization::adapt(const Tensor& data) {
  adapt_layer(*this, [&](auto add) { add(data); });
}

void Normalization::adapt(const Dataset& data) {
  adapt_layer(*this, [&](auto add) {
    if (!data.maps().empty()) throw InvalidArgument("adapt: the data set has maps; adapt to the data before map()");
    if (data.resident()) return add(data.x()[0]);
    Batch batch;
    for (const Generator next = data.begin_epoch(); next(batch);) {
      if (batch.x.empty()) throw InvalidArgument("adapt: the generator gave a batch without an input");
      add(batch.x[0]);
    }
  });
}

Layer Normalization::from_config(ConfigReader& c) {
  Axes axis = -1;
  const ConfigValue* value = c.take("axis");
  if (value) axis = value->is_null() ? Axes(std::vector<int>{}) : detail::read_axes(c, "axis", -1);
  const Tensor mean = read_array(c, "mean"), variance = read_array(c, "variance");
  return Normalization({.axis = axis,
                        .mean = mean,
                        .variance = variance,
                        .invert = c.boolean("invert", false),
                        .name = c.name(),
                        .trainable = c.trainable()});
}

}  // namespace keratin
