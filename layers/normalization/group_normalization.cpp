#include "keratin/layers/normalization/group_normalization.h"

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/detail/scaled_normalization.h"

namespace keratin {
namespace {

class GroupNormalizationLayer final : public detail::ScaledNormalization<GroupNormalizationOptions> {
 public:
  explicit GroupNormalizationLayer(const GroupNormalizationOptions& options)
      : ScaledNormalization("GroupNormalization", options) {
    if (options.groups != -1) detail::require_positive("GroupNormalization", "groups", options.groups);
  }

  Config config() const override {
    Config config = LayerImpl::config();
    config.set("groups", options().groups).set("axis", options().axis);
    add_first_arguments(config);
    add_last_arguments(config);
    return config;
  }

  Value call(Value x, CallContext&) override {
    x = op_support::to_floating(x);
    const Shape shape = x.shape();
    const int axis = shape.normalize_axis(options().axis);
    const std::int64_t features = shape[axis], groups = groups_of(features);
    const Value grouped = ops::reshape(
        x, shape.slice(0, axis).concat({groups, features / groups}).concat(shape.slice(axis + 1, shape.rank())));
    std::vector<int> axes;
    for (int i = 1; i < grouped.rank(); ++i) {
      if (i != axis) axes.push_back(i);
    }
    const Value centered = grouped - ops::mean(grouped, axes, true);
    const Value variance = ops::mean(ops::square(centered), axes, true);
    return scaled(ops::reshape(centered * ops::rsqrt(variance + options().epsilon), shape), {axis});
  }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override {
    const Shape& input = inputs[0];
    detail::require_rank_from(input, 2, "(n, ..., features)");
    const int axis = detail::resolve_axes(options().axis, input)[0];
    if (axis == 0) throw InvalidArgument("axis 0 is the batch, which cannot be grouped");
    detail::require_size(input, axis, "features", built() ? input_shapes()[0][options().axis] : kUnknown);
    if (input[axis] % groups_of(input[axis]) != 0) {
      throw InvalidArgument("groups must divide the features, got groups " + std::to_string(options().groups) +
                            " and an input of shape " + input.to_string());
    }
  }

  void build(const Shape& input) override { add_gamma_and_beta({input[options().axis]}); }

 private:
  std::int64_t groups_of(std::int64_t features) const { return options().groups == -1 ? features : options().groups; }
};

}  // namespace

GroupNormalization::GroupNormalization(const GroupNormalizationOptions& options)
    : Layer(std::make_shared<GroupNormalizationLayer>(options)) {}

Layer GroupNormalization::from_config(ConfigReader& c) {
  auto options = detail::read_scaled_options<GroupNormalizationOptions>(c);
  options.groups = c.integer("groups", 32);
  options.axis = c.small_integer("axis", -1);
  return GroupNormalization(options);
}

}  // namespace keratin
