// What the 2-D pooling layers share: they differ in the op.
#pragma once

#include <memory>
#include <string>

#include "keratin/core/model/layer.h"
#include "keratin/core/ops/pool.h"
#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/pooling/pooling2d_options.h"

namespace keratin::detail {

using Pool = Value (*)(Value x, Pool2DAttrs attrs);
std::shared_ptr<LayerImpl> make_pooling2d(const std::string& class_name, Pool pool, Size2D pool_size,
                                          const Pooling2DOptions& options);

using Reduce = Value (*)(Value x, std::vector<int> axes, bool keepdims);
std::shared_ptr<LayerImpl> make_global_pooling2d(const std::string& class_name, Reduce reduce,
                                                 const GlobalPooling2DOptions& options);

Pooling2DOptions read_pooling2d_options(ConfigReader& c);
GlobalPooling2DOptions read_global_pooling2d_options(ConfigReader& c);

}  // namespace keratin::detail
