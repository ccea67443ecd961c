// cuDNN's recurrent layers in the simulator: LSTM and GRU of one layer and direction, by their equations.
#pragma once

#include "keratin/backends/cuda/api/dnn.h"

namespace keratin::cuda::simulator {
const dnn::RnnApi& rnn_api();
Stream stream_of(dnn::Handle handle);
}  // namespace keratin::cuda::simulator
