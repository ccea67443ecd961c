// libcuda.so.1 for machines without a driver: what cuDNN 9.28 is linked to, and what it asks for besides. Every call
// says that this is a stub (CUDA_ERROR_STUB_LIBRARY): cuDNN makes its plans, but none whose kernels it compiles at run
// time.
#define KERATIN_IS_A_STUB(name) \
  int name() { return 34; }

extern "C" {
KERATIN_IS_A_STUB(cuCtxGetCurrent)
KERATIN_IS_A_STUB(cuCtxGetLimit)
KERATIN_IS_A_STUB(cuCtxPopCurrent)
KERATIN_IS_A_STUB(cuCtxPushCurrent)
KERATIN_IS_A_STUB(cuDeviceGet)
KERATIN_IS_A_STUB(cuDeviceGetCount)
KERATIN_IS_A_STUB(cuDriverGetVersion)
KERATIN_IS_A_STUB(cuGetErrorName)
KERATIN_IS_A_STUB(cuGetErrorString)
KERATIN_IS_A_STUB(cuKernelGetAttribute)
KERATIN_IS_A_STUB(cuKernelGetFunction)
KERATIN_IS_A_STUB(cuKernelSetAttribute)
KERATIN_IS_A_STUB(cuLaunchCooperativeKernel)
KERATIN_IS_A_STUB(cuLaunchKernel)
KERATIN_IS_A_STUB(cuLaunchKernelEx)
KERATIN_IS_A_STUB(cuLibraryGetKernel)
KERATIN_IS_A_STUB(cuLibraryLoadData)
KERATIN_IS_A_STUB(cuLibraryLoadFromFile)
KERATIN_IS_A_STUB(cuLibraryUnload)
KERATIN_IS_A_STUB(cuLinkAddData)
KERATIN_IS_A_STUB(cuLinkComplete)
KERATIN_IS_A_STUB(cuLinkCreate)
KERATIN_IS_A_STUB(cuLinkDestroy)
KERATIN_IS_A_STUB(cuModuleGetFunction)
KERATIN_IS_A_STUB(cuModuleLoadData)
KERATIN_IS_A_STUB(cuModuleUnload)
KERATIN_IS_A_STUB(cuOccupancyMaxPotentialClusterSize)
KERATIN_IS_A_STUB(cuStreamGetCtx)
KERATIN_IS_A_STUB(cuTensorMapEncodeIm2col)
KERATIN_IS_A_STUB(cuTensorMapEncodeTiled)
}
