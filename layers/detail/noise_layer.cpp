#include "keratin/layers/detail/noise_layer.h"

#include "keratin/core/graph/leaves.h"
#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/random.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin::detail {
namespace {

class NoiseLayer final : public LayerImpl {
 public:
  NoiseLayer(const std::string& class_name, const char* argument, double strength, Disturb disturb,
             const NoiseOptions& options)
      : LayerImpl(class_name, options.name, options.trainable),
        argument_(argument),
        strength_(strength),
        disturb_(disturb),
        seed_(options.seed) {}

  Config config() const override {
    return LayerImpl::config().set(argument_, strength_).set("seed", seed_config(seed_));
  }

  bool supports_masking() const override { return true; }

  Value call(Value x, CallContext& context) override {
    if (!context.training() || strength_ == 0) return x;
    x = op_support::to_floating(x);
    const Value normal = ops::random_normal(context.random_step(), x.shape(), context.random_stream(seed_));
    return disturb_(x, ops::cast(normal, x.dtype()), strength_);
  }

 private:
  const char* argument_;
  double strength_;
  Disturb disturb_;
  std::optional<std::uint64_t> seed_;
};

class SpatialDropoutLayer final : public LayerImpl {
 public:
  SpatialDropoutLayer(const std::string& class_name, std::size_t axes, double rate,
                      const std::optional<std::uint64_t>& seed, const std::string& name)
      : LayerImpl(class_name, name), axes_(axes), rate_(rate), seed_(seed) {
    if (rate_ >= 0 && rate_ <= 1) return;
    throw InvalidArgument(class_name + ": rate must lie between 0 and 1, got " + format_number(rate_));
  }

  // Keras's class has no argument `trainable`, and refuses it.
  Config config() const override {
    const Config base = LayerImpl::config();
    Config config(base.module(), base.class_name());
    config.set("rate", rate_).set("seed", seed_config(seed_));
    for (const auto& [key, value] : base.entries()) {
      if (key != "trainable") config.set(key, value);
    }
    return axes_ > 1 ? config.set("data_format", "channels_last") : config;
  }

  bool supports_masking() const override { return true; }

  Value call(Value x, CallContext& context) override {
    if (!context.training() || rate_ == 0) return x;
    x = op_support::to_floating(x);
    Shape shape = x.shape();
    for (int axis = 1; axis + 1 < shape.rank(); ++axis) shape[axis] = 1;
    const Value ones = constant(Tensor::full(shape, 1, x.dtype()));
    return x * ops::dropout(ones, context.random_step(), rate_, context.random_stream(seed_));
  }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override { require_spatial_axes(inputs[0], axes_); }

 private:
  std::size_t axes_;
  double rate_;
  std::optional<std::uint64_t> seed_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_noise(const std::string& class_name, const char* argument, double strength,
                                      Disturb disturb, const NoiseOptions& options) {
  return std::make_shared<NoiseLayer>(class_name, argument, strength, disturb, options);
}

std::shared_ptr<LayerImpl> make_spatial_dropout(const std::string& class_name, std::size_t axes, double rate,
                                                const std::optional<std::uint64_t>& seed, const std::string& name) {
  return std::make_shared<SpatialDropoutLayer>(class_name, axes, rate, seed, name);
}

}  // namespace keratin::detail
