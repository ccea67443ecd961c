// The simulator in the place of the libraries.
#include "keratin/backends/cuda/libraries.h"

#include "tests/modules/cuda_simulator/blas.h"
#include "tests/modules/cuda_simulator/dnn.h"

namespace keratin::cuda {

const Libraries& libraries() {
  static const Libraries all{.blas = &simulator::blas_api(),
                             .dnn = &simulator::dnn_api(),
                             .blas_path = "the simulator",
                             .dnn_path = "the simulator",
                             .blas_reason = "",
                             .dnn_reason = ""};
  return all;
}

}  // namespace keratin::cuda
