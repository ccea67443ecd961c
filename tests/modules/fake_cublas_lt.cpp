// libcublasLt.so with every function that the backend takes from it. They succeed and do nothing.
#include <cstddef>

#include "tests/modules/script.h"

#define KERATIN_DOES_NOTHING(name) \
  int name() { return 0; }

extern "C" {
std::size_t cublasLtGetVersion() {
  return static_cast<std::size_t>(keratin::testing::value("cublasLtGetVersion", 130100));
}
const char* cublasLtGetStatusString() { return "a fake"; }
int cublasLtCreate(void** handle) {
  static char dummy;
  *handle = &dummy;
  return 0;
}
KERATIN_DOES_NOTHING(cublasLtDestroy)
KERATIN_DOES_NOTHING(cublasLtMatmulDescCreate)
KERATIN_DOES_NOTHING(cublasLtMatmulDescDestroy)
KERATIN_DOES_NOTHING(cublasLtMatmulDescSetAttribute)
KERATIN_DOES_NOTHING(cublasLtMatrixLayoutCreate)
KERATIN_DOES_NOTHING(cublasLtMatrixLayoutDestroy)
KERATIN_DOES_NOTHING(cublasLtMatrixLayoutSetAttribute)
KERATIN_DOES_NOTHING(cublasLtMatmulPreferenceCreate)
KERATIN_DOES_NOTHING(cublasLtMatmulPreferenceDestroy)
KERATIN_DOES_NOTHING(cublasLtMatmulPreferenceSetAttribute)
KERATIN_DOES_NOTHING(cublasLtMatmulAlgoGetHeuristic)
KERATIN_DOES_NOTHING(cublasLtMatmul)
}
