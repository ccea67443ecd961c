#include "keratin/layers/detail/border_layer.h"

#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"

namespace keratin::detail {
namespace {

void require_not_negative(const std::string& layer, const char* option, const Borders& borders) {
  for (const auto& ends : borders) {
    for (std::int64_t number : ends) {
      if (number >= 0) continue;
      throw InvalidArgument(layer + ": " + option + " must not be negative, got " + std::to_string(number));
    }
  }
}

// [1, 2] for one axis, [[1, 2], [0, 0]] for several.
ConfigValue config_of(const Borders& borders) {
  return borders.size() == 1 ? ConfigValue(borders[0]) : ConfigValue(borders);
}

class ZeroPaddingLayer final : public LayerImpl {
 public:
  ZeroPaddingLayer(const std::string& class_name, Borders borders, bool data_format, const LayerOptions& options)
      : LayerImpl(class_name, options.name, options.trainable),
        borders_(std::move(borders)),
        data_format_(data_format) {
    require_not_negative(class_name, "padding", borders_);
  }

  Config config() const override {
    Config config = LayerImpl::config().set("padding", config_of(borders_));
    return data_format_ ? config.set("data_format", "channels_last") : config;
  }

  Value call(Value x, CallContext&) override {
    std::vector<std::int64_t> before = {0}, after = {0};
    for (const auto& ends : borders_) {
      before.push_back(ends[0]);
      after.push_back(ends[1]);
    }
    before.push_back(0);
    after.push_back(0);
    return ops::pad(x, before, after);
  }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override { require_spatial_axes(inputs[0], borders_.size()); }

 private:
  Borders borders_;
  bool data_format_;
};

class CroppingLayer final : public LayerImpl {
 public:
  CroppingLayer(const std::string& class_name, Borders borders, bool data_format, const LayerOptions& options)
      : LayerImpl(class_name, options.name, options.trainable),
        borders_(std::move(borders)),
        data_format_(data_format) {
    require_not_negative(class_name, "cropping", borders_);
  }

  Config config() const override {
    Config config = LayerImpl::config().set("cropping", config_of(borders_));
    return data_format_ ? config.set("data_format", "channels_last") : config;
  }

  Value call(Value x, CallContext&) override {
    std::vector<std::int64_t> begin = {0}, size = {-1};
    for (std::size_t i = 0; i < borders_.size(); ++i) {
      begin.push_back(borders_[i][0]);
      size.push_back(x.shape()[static_cast<int>(i) + 1] - cut(i));
    }
    begin.push_back(0);
    size.push_back(-1);
    return ops::slice(x, begin, size);
  }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override {
    const Shape& input = inputs[0];
    require_spatial_axes(input, borders_.size());
    for (std::size_t i = 0; i < borders_.size(); ++i) {
      const std::int64_t size = input[static_cast<int>(i) + 1];
      if (size == kUnknown || size > cut(i)) continue;
      throw InvalidArgument("cropping " + what_is_cut() + " leaves nothing of an input of shape " + input.to_string());
    }
  }

 private:
  std::int64_t cut(std::size_t axis) const { return borders_[axis][0] + borders_[axis][1]; }
  std::string what_is_cut() const {
    static constexpr const char* kNames[] = {"planes", "rows", "columns"};
    if (borders_.size() == 1) return std::to_string(cut(0)) + " steps";
    std::string text;
    for (std::size_t i = 0; i < borders_.size(); ++i) {
      text += (i == 0                    ? ""
               : i + 1 < borders_.size() ? ", "
                                         : " and ") +
              std::to_string(cut(i)) + " " + kNames[i + 3 - borders_.size()];
    }
    return text;
  }

  Borders borders_;
  bool data_format_;
};

class RepeatingLayer final : public LayerImpl {
 public:
  RepeatingLayer(const std::string& class_name, Sizes size, bool data_format, const LayerOptions& options)
      : LayerImpl(class_name, options.name, options.trainable), size_(std::move(size)), data_format_(data_format) {
    require_positive(class_name, "size", size_);
  }

  Config config() const override {
    Config config = LayerImpl::config().set("size", size_.size() == 1 ? ConfigValue(size_[0]) : ConfigValue(size_));
    return data_format_ ? config.set("data_format", "channels_last") : config;
  }

  Value call(Value x, CallContext&) override { return repeat_elements(x, size_); }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override { require_spatial_axes(inputs[0], size_.size()); }

 private:
  Sizes size_;
  bool data_format_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_zero_padding(const std::string& class_name, Borders borders, bool data_format,
                                             const LayerOptions& options) {
  return std::make_shared<ZeroPaddingLayer>(class_name, std::move(borders), data_format, options);
}
std::shared_ptr<LayerImpl> make_cropping(const std::string& class_name, Borders borders, bool data_format,
                                         const LayerOptions& options) {
  return std::make_shared<CroppingLayer>(class_name, std::move(borders), data_format, options);
}
std::shared_ptr<LayerImpl> make_repeating(const std::string& class_name, Sizes size, bool data_format,
                                          const LayerOptions& options) {
  return std::make_shared<RepeatingLayer>(class_name, std::move(size), data_format, options);
}

Value repeat_elements(const Value& x, const Sizes& size) {
  Shape single{x.shape()[0]}, repeated = single, result = single;
  for (std::size_t i = 0; i < size.size(); ++i) {
    const std::int64_t elements = x.shape()[static_cast<int>(i) + 1];
    single = single.concat({elements, 1});
    repeated = repeated.concat({elements, size[i]});
    result.push_back(elements * size[i]);
  }
  for (Shape* shape : {&single, &repeated, &result}) shape->push_back(x.shape()[-1]);
  return ops::reshape(ops::broadcast_to(ops::reshape(x, single), repeated), result);
}

}  // namespace keratin::detail
