// cuDNN of the simulator: the descriptors of its graph interface, and convolutions by them.
#pragma once

#include "keratin/backends/cuda/api/dnn.h"

namespace keratin::cuda::simulator {
const dnn::Api& dnn_api();
}  // namespace keratin::cuda::simulator
