// libcudnn.so with every function that the backend takes from it. They succeed and do nothing.
#include <cstddef>

#include "tests/modules/script.h"

#define KERATIN_DOES_NOTHING(name) \
  int name() { return 0; }

extern "C" {
std::size_t cudnnGetVersion() { return static_cast<std::size_t>(keratin::testing::value("cudnnGetVersion", 91900)); }
std::size_t cudnnGetCudartVersion() {
  return static_cast<std::size_t>(keratin::testing::value("cudnnGetCudartVersion", 13010));
}
const char* cudnnGetErrorString() { return "a fake"; }
void cudnnGetLastErrorString(char* text, std::size_t bytes) {
  if (bytes > 0) *text = '\0';
}
int cudnnCreate(void** handle) {
  static char dummy;
  *handle = &dummy;
  return keratin::testing::result("cudnnCreate");
}
KERATIN_DOES_NOTHING(cudnnDestroy)
KERATIN_DOES_NOTHING(cudnnSetStream)
KERATIN_DOES_NOTHING(cudnnBackendCreateDescriptor)
KERATIN_DOES_NOTHING(cudnnBackendDestroyDescriptor)
KERATIN_DOES_NOTHING(cudnnBackendFinalize)
KERATIN_DOES_NOTHING(cudnnBackendSetAttribute)
KERATIN_DOES_NOTHING(cudnnBackendGetAttribute)
KERATIN_DOES_NOTHING(cudnnBackendExecute)
KERATIN_DOES_NOTHING(cudnnCreateRNNDescriptor)
KERATIN_DOES_NOTHING(cudnnDestroyRNNDescriptor)
KERATIN_DOES_NOTHING(cudnnSetRNNDescriptor_v8)
KERATIN_DOES_NOTHING(cudnnCreateRNNDataDescriptor)
KERATIN_DOES_NOTHING(cudnnDestroyRNNDataDescriptor)
KERATIN_DOES_NOTHING(cudnnSetRNNDataDescriptor)
KERATIN_DOES_NOTHING(cudnnCreateTensorDescriptor)
KERATIN_DOES_NOTHING(cudnnDestroyTensorDescriptor)
KERATIN_DOES_NOTHING(cudnnSetTensorNdDescriptor)
KERATIN_DOES_NOTHING(cudnnGetTensorNdDescriptor)
KERATIN_DOES_NOTHING(cudnnCreateDropoutDescriptor)
KERATIN_DOES_NOTHING(cudnnDestroyDropoutDescriptor)
KERATIN_DOES_NOTHING(cudnnSetDropoutDescriptor)
KERATIN_DOES_NOTHING(cudnnGetRNNWeightSpaceSize)
KERATIN_DOES_NOTHING(cudnnGetRNNWeightParams)
KERATIN_DOES_NOTHING(cudnnGetRNNTempSpaceSizes)
KERATIN_DOES_NOTHING(cudnnRNNForward)
KERATIN_DOES_NOTHING(cudnnRNNBackwardData_v8)
KERATIN_DOES_NOTHING(cudnnRNNBackwardWeights_v8)
}
