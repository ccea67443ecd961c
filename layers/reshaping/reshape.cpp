#include "keratin/layers/reshaping/reshape.h"

#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin {
namespace {

class ReshapeLayer final : public LayerImpl {
 public:
  ReshapeLayer(const Shape& target, const LayerOptions& options)
      : LayerImpl("Reshape", options.name, options.trainable), target_(target) {
    for (std::int64_t size : target_) {
      if (size == kUnknown) {
        ++unknown_;
      } else {
        known_ *= size;
      }
      if (size < kUnknown || size == 0 || unknown_ > 1) {
        throw InvalidArgument("Reshape: sizes must be positive, one of them may be -1, got " + text());
      }
    }
  }

  Config config() const override {
    // Keras keeps -1 as it is given, not as null.
    return LayerImpl::config().set("target_shape", target_.dims());
  }

  Value call(Value x, CallContext&) override { return ops::reshape(x, Shape{x.shape()[0]}.concat(resolve(x.shape()))); }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override {
    detail::require_rank_from(inputs[0], 1, "(n, ...)");
    resolve(inputs[0]);
  }

 private:
  // The target for this input, -1 only where the input has unknown sizes.
  Shape resolve(const Shape& input) const {
    std::int64_t product = 1;
    bool all_known = true;
    for (std::int64_t size : input.slice(1, input.rank())) {
      if (size == kUnknown) {
        all_known = false;
      } else {
        product *= size;
      }
    }
    const bool fits = unknown_ == 1 ? product % known_ == 0 : product == known_ && all_known;
    if (!fits) {
      throw InvalidArgument(
          "cannot reshape " + input.to_string() + " to (n, " + text().substr(1) +
          (all_known ? "; the number of elements of a sample must agree" : "; give the Input sizes that are known"));
    }
    Shape result = target_;
    for (int axis = 0; axis < result.rank(); ++axis) {
      if (result[axis] == kUnknown && all_known) result[axis] = product / known_;
    }
    return result;
  }

  std::string text() const {
    std::string result = "(";
    for (int axis = 0; axis < target_.rank(); ++axis) {
      result += (axis == 0 ? "" : ", ") + std::to_string(target_[axis]);
    }
    return result + ")";
  }

  Shape target_;
  std::int64_t known_ = 1;
  int unknown_ = 0;
};

}  // namespace

Reshape::Reshape(const Shape& target_shape, const LayerOptions& options)
    : Layer(std::make_shared<ReshapeLayer>(target_shape, options)) {}

Layer Reshape::from_config(ConfigReader& c) {
  const Shape target(c.integers("target_shape"));
  return Reshape(target, detail::read_layer_options(c));
}

}  // namespace keratin
