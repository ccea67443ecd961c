// What the pooling layers share, for any number of spatial axes: they differ in the op.
#pragma once

#include <memory>
#include <string>

#include "keratin/core/model/layer.h"
#include "keratin/core/ops/pool.h"
#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin::detail {

using Pool = Value (*)(Value x, Pool2DAttrs attrs);
struct PoolingArguments {
  Sizes pool_size, strides;
  std::string padding, name;
  bool trainable = true;
};
std::shared_ptr<LayerImpl> make_pooling(const std::string& class_name, Pool pool, PoolingArguments arguments);

using Reduce = Value (*)(Value x, std::vector<int> axes, bool keepdims);
// `axes`: how many spatial axes there are.
std::shared_ptr<LayerImpl> make_global_pooling(const std::string& class_name, int axes, Reduce reduce, bool keepdims,
                                               const std::string& name, bool trainable);

// The same from the options of a class.
template <class Size, class Options>
std::shared_ptr<LayerImpl> make_pooling(const std::string& class_name, Pool pool, Size pool_size,
                                        const Options& options) {
  const Sizes strides = options.strides == Size(0) ? sizes_of(pool_size) : sizes_of(options.strides);
  return make_pooling(class_name, pool,
                      PoolingArguments{sizes_of(pool_size), strides, options.padding, options.name, options.trainable});
}
template <class Options>
std::shared_ptr<LayerImpl> make_global_pooling(const std::string& class_name, int axes, Reduce reduce,
                                               const Options& options) {
  return make_global_pooling(class_name, axes, reduce, options.keepdims, options.name, options.trainable);
}

template <class Options>
Options read_pooling_options(ConfigReader& c) {
  Options options;
  expect_channels_last(c);
  read_size(c, "strides", options.strides);
  options.padding = c.text("padding", "valid");
  options.name = c.name();
  options.trainable = c.trainable();
  return options;
}
template <class Options>
Options read_global_pooling_options(ConfigReader& c) {
  expect_channels_last(c);
  return {.keepdims = c.boolean("keepdims", false), .name = c.name(), .trainable = c.trainable()};
}

}  // namespace keratin::detail
