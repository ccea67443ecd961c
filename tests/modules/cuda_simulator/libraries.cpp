// The simulator in the place of the libraries.
#include "keratin/backends/cuda/libraries.h"

#include "keratin/backends/cuda/dnn_version.h"
#include "tests/modules/cuda_simulator/blas.h"
#include "tests/modules/cuda_simulator/dnn.h"

namespace keratin::cuda {

const Libraries& libraries() {
  static const Libraries all = [] {
    const dnn::Api& dnn = simulator::dnn_api();
    const std::string fault = dnn_fault(dnn, "the simulator", 13);
    return Libraries{.blas = &simulator::blas_api(),
                     .dnn = fault.empty() ? &dnn : nullptr,
                     .blas_path = "the simulator",
                     .dnn_path = fault.empty() ? "the simulator" : "",
                     .blas_reason = "",
                     .blas_cause = "",
                     .dnn_reason = fault};
  }();
  return all;
}

}  // namespace keratin::cuda
