// The constants and layouts this backend declares for itself are those of the libraries' headers. Compiled where the
// headers are installed; nothing here ends up in the module.
#pragma GCC diagnostic ignored "-Wenum-compare"  // ours and theirs are different types

#if __has_include(<driver_types.h>)
#include <driver_types.h>

#include "keratin/backends/cuda/api/runtime.h"
#include "keratin/backends/cuda/probe/error_cause.h"

namespace keratin::cuda {
static_assert(kOutOfMemory == cudaErrorMemoryAllocation && kInsufficientDriver == cudaErrorInsufficientDriver &&
              kStubLibrary == cudaErrorStubLibrary && kNoDevice == cudaErrorNoDevice &&
              kNoKernelImage == cudaErrorNoKernelImageForDevice &&
              kCaptureUnsupported == cudaErrorStreamCaptureUnsupported &&
              kCaptureInvalidated == cudaErrorStreamCaptureInvalidated);
static_assert(kMultiprocessors == cudaDevAttrMultiProcessorCount &&
              kComputeMajor == cudaDevAttrComputeCapabilityMajor && kComputeMinor == cudaDevAttrComputeCapabilityMinor);
constexpr bool means(cudaError_t error, std::string_view cause) {
  return probe::cause_of(probe::kRuntimeCauses, error) == cause;
}
static_assert(means(cudaErrorMemoryAllocation, "memory_held") && means(cudaErrorStubLibrary, "stub_driver") &&
              means(cudaErrorInsufficientDriver, "driver_too_old") &&
              means(cudaErrorDevicesUnavailable, "device_exclusive") &&
              means(cudaErrorInvalidDeviceFunction, "arch_unsupported") &&
              means(cudaErrorNoKernelImageForDevice, "arch_unsupported") &&
              means(cudaErrorJitCompilationDisabled, "arch_unsupported") &&
              means(cudaErrorECCUncorrectable, "device_lost") && means(cudaErrorNvlinkUncorrectable, "device_lost") &&
              means(cudaErrorJitCompilerNotFound, "jit_missing") &&
              means(cudaErrorUnsupportedPtxVersion, "jit_missing"));
static_assert(means(cudaErrorInitializationError, "no_usable_device") && means(cudaErrorNoDevice, "no_usable_device") &&
              means(cudaErrorInvalidDevice, "no_usable_device") && means(cudaErrorUnknown, "no_usable_device") &&
              means(cudaErrorSystemNotReady, "fabric_manager") &&
              means(cudaErrorSystemDriverMismatch, "driver_mismatch") &&
              means(cudaErrorCompatNotSupportedOnDevice, "compat_unsupported") &&
              means(cudaErrorMpsConnectionFailed, "mps_trouble") && means(cudaErrorMpsClientTerminated, "mps_trouble"));
}  // namespace keratin::cuda
#endif

#if __has_include(<cublasLt.h>)
#include <cublasLt.h>

#include "keratin/backends/cuda/api/blas.h"
#include "keratin/backends/cuda/probe/error_cause.h"

namespace keratin::cuda::blas {
static_assert(kSuccess == CUBLAS_STATUS_SUCCESS && kNotSupported == CUBLAS_STATUS_NOT_SUPPORTED);
static_assert(probe::cause_of(probe::kBlasCauses, CUBLAS_STATUS_ALLOC_FAILED) == "memory_held" &&
              probe::cause_of(probe::kBlasCauses, CUBLAS_STATUS_ARCH_MISMATCH) == "arch_unsupported");
static_assert(kR32F == CUDA_R_32F && kR64F == CUDA_R_64F);
static_assert(kCompute32F == CUBLAS_COMPUTE_32F && kCompute64F == CUBLAS_COMPUTE_64F &&
              kCompute32FFast16BF == CUBLAS_COMPUTE_32F_FAST_16BF &&
              kCompute32FFastTF32 == CUBLAS_COMPUTE_32F_FAST_TF32);
static_assert(kN == CUBLAS_OP_N && kT == CUBLAS_OP_T);
static_assert(kLayoutBatchCount == CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT &&
              kLayoutStridedBatchOffset == CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET);
static_assert(kDescTransA == CUBLASLT_MATMUL_DESC_TRANSA && kDescTransB == CUBLASLT_MATMUL_DESC_TRANSB &&
              kDescEpilogue == CUBLASLT_MATMUL_DESC_EPILOGUE && kDescBiasPointer == CUBLASLT_MATMUL_DESC_BIAS_POINTER);
static_assert(kEpilogueDefault == CUBLASLT_EPILOGUE_DEFAULT && kEpilogueBias == CUBLASLT_EPILOGUE_BIAS);
static_assert(kPreferenceMaxWorkspace == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES &&
              kPreferenceReductionMask == CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK &&
              kPreferenceAlignmentA == CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES &&
              kPreferenceAlignmentB == CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES &&
              kPreferenceAlignmentC == CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES &&
              kPreferenceAlignmentD == CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES);
static_assert(kReductionSchemesInFixedOrder ==
              (CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE | CUBLASLT_REDUCTION_SCHEME_OUTPUT_TYPE));
static_assert(sizeof(Algorithm) == sizeof(cublasLtMatmulAlgo_t) &&
              sizeof(HeuristicResult) == sizeof(cublasLtMatmulHeuristicResult_t) &&
              offsetof(HeuristicResult, workspace_bytes) == offsetof(cublasLtMatmulHeuristicResult_t, workspaceSize) &&
              offsetof(HeuristicResult, status) == offsetof(cublasLtMatmulHeuristicResult_t, state));
}  // namespace keratin::cuda::blas
#endif

#if __has_include(<cudnn.h>)
#include <cudnn.h>

#include <type_traits>

#include "keratin/backends/cuda/api/dnn.h"
#include "keratin/backends/cuda/probe/error_cause.h"

namespace keratin::cuda::dnn {
static_assert(CUDNN_MAJOR == 9);
static_assert(int{kSuccess} == CUDNN_STATUS_SUCCESS);
static_assert(
    probe::cause_of(probe::kDnnCauses, CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH) == "cudnn_mixed" &&
    probe::cause_of(probe::kDnnCauses, CUDNN_STATUS_SUBLIBRARY_LOADING_FAILED) == "cudnn_broken" &&
    probe::cause_of(probe::kDnnCauses, CUDNN_STATUS_NOT_SUPPORTED_INCOMPATIBLE_CUDA_DRIVER) == "driver_too_old" &&
    probe::cause_of(probe::kDnnCauses, CUDNN_STATUS_NOT_SUPPORTED_INCOMPATIBLE_CUDART) == "cudnn_other_cuda" &&
    probe::cause_of(probe::kDnnCauses, CUDNN_STATUS_NOT_SUPPORTED_SUBLIBRARY_UNAVAILABLE) == "cudnn_broken" &&
    probe::cause_of(probe::kDnnCauses, CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED) == "memory_held");
static_assert(kPointwise == CUDNN_BACKEND_POINTWISE_DESCRIPTOR &&
              kConvolution == CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR && kEngine == CUDNN_BACKEND_ENGINE_DESCRIPTOR &&
              kEngineConfig == CUDNN_BACKEND_ENGINECFG_DESCRIPTOR &&
              kEngineHeuristics == CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR &&
              kExecutionPlan == CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR &&
              kConvolutionForward == CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR &&
              kConvolutionBackwardFilter == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR &&
              kConvolutionBackwardData == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR &&
              kOperationPointwise == CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR &&
              kOperationGraph == CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR &&
              kVariantPack == CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR && kTensor == CUDNN_BACKEND_TENSOR_DESCRIPTOR);
static_assert(kTypeHandle == CUDNN_TYPE_HANDLE && kTypeDataType == CUDNN_TYPE_DATA_TYPE &&
              kTypeBoolean == CUDNN_TYPE_BOOLEAN && kTypeInt64 == CUDNN_TYPE_INT64 && kTypeFloat == CUDNN_TYPE_FLOAT &&
              kTypePointer == CUDNN_TYPE_VOID_PTR && kTypeConvolutionMode == CUDNN_TYPE_CONVOLUTION_MODE &&
              kTypeHeuristicMode == CUDNN_TYPE_HEUR_MODE && kTypeNumericalNote == CUDNN_TYPE_NUMERICAL_NOTE &&
              kTypePointwiseMode == CUDNN_TYPE_POINTWISE_MODE && kTypeDescriptor == CUDNN_TYPE_BACKEND_DESCRIPTOR &&
              kTypeBehaviorNote == CUDNN_TYPE_BEHAVIOR_NOTE && kTypeChar == CUDNN_TYPE_CHAR);
// cuDNN 9 calls these deprecated, and its own frontend sets them all the same.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
static_assert(kPointwiseNanPropagation == CUDNN_ATTR_POINTWISE_NAN_PROPAGATION &&
              kTypeNanPropagation == CUDNN_TYPE_NAN_PROPOGATION && int{kPropagateNan} == CUDNN_PROPAGATE_NAN);
#pragma GCC diagnostic pop
static_assert(kPointwiseMode == CUDNN_ATTR_POINTWISE_MODE && kPointwisePrecision == CUDNN_ATTR_POINTWISE_MATH_PREC &&
              kConvolutionComputeType == CUDNN_ATTR_CONVOLUTION_COMP_TYPE &&
              kConvolutionMode == CUDNN_ATTR_CONVOLUTION_CONV_MODE &&
              kConvolutionDilations == CUDNN_ATTR_CONVOLUTION_DILATIONS &&
              kConvolutionStrides == CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES &&
              kConvolutionPaddingAfter == CUDNN_ATTR_CONVOLUTION_POST_PADDINGS &&
              kConvolutionPaddingBefore == CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS &&
              kConvolutionSpatialAxes == CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS);
static_assert(kHeuristicsMode == CUDNN_ATTR_ENGINEHEUR_MODE &&
              kHeuristicsGraph == CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH &&
              kHeuristicsResults == CUDNN_ATTR_ENGINEHEUR_RESULTS && kConfigEngine == CUDNN_ATTR_ENGINECFG_ENGINE &&
              kPlanConfig == CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG &&
              kPlanWorkspace == CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE);
static_assert(kForwardAlpha == CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA &&
              kForwardAlpha + 1 == CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA &&
              kForwardAlpha + 2 == CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC &&
              kForwardAlpha + 3 == CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W &&
              kForwardAlpha + 4 == CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X &&
              kForwardAlpha + 5 == CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y);
static_assert(kDataAlpha == CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA &&
              kDataAlpha + 2 == CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC &&
              kDataAlpha + 3 == CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W &&
              kDataAlpha + 4 == CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX &&
              kDataAlpha + 5 == CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY);
static_assert(kFilterAlpha == CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA &&
              kFilterAlpha + 2 == CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC &&
              kFilterAlpha + 3 == CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW &&
              kFilterAlpha + 4 == CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X &&
              kFilterAlpha + 5 == CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY);
static_assert(kOperationPointwiseDescriptor == CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR &&
              kOperationPointwiseX == CUDNN_ATTR_OPERATION_POINTWISE_XDESC &&
              kOperationPointwiseB == CUDNN_ATTR_OPERATION_POINTWISE_BDESC &&
              kOperationPointwiseY == CUDNN_ATTR_OPERATION_POINTWISE_YDESC &&
              kGraphOperations == CUDNN_ATTR_OPERATIONGRAPH_OPS);
static_assert(kTensorAlignment == CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT && kTensorType == CUDNN_ATTR_TENSOR_DATA_TYPE &&
              kTensorDimensions == CUDNN_ATTR_TENSOR_DIMENSIONS && kTensorStrides == CUDNN_ATTR_TENSOR_STRIDES &&
              kTensorId == CUDNN_ATTR_TENSOR_UNIQUE_ID && kTensorIsVirtual == CUDNN_ATTR_TENSOR_IS_VIRTUAL &&
              kPackIds == CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS &&
              kPackPointers == CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS &&
              kPackWorkspace == CUDNN_ATTR_VARIANT_PACK_WORKSPACE);
static_assert(kEngineGlobalIndex == CUDNN_ATTR_ENGINE_GLOBAL_INDEX &&
              kEngineNumericalNotes == CUDNN_ATTR_ENGINE_NUMERICAL_NOTE &&
              kEngineBehaviorNotes == CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE);
static_assert(kFloat == CUDNN_DATA_FLOAT && kCrossCorrelation == CUDNN_CROSS_CORRELATION &&
              kAdd == CUDNN_POINTWISE_ADD && kReluForward == CUDNN_POINTWISE_RELU_FWD &&
              kFallback == CUDNN_HEUR_MODE_FALLBACK && kModeA == CUDNN_HEUR_MODE_A);
static_assert(kDefaultMath == CUDNN_DEFAULT_MATH && kFmaMath == CUDNN_FMA_MATH &&
              kRnnStandard == CUDNN_RNN_ALGO_STANDARD && kLstm == CUDNN_LSTM && kGru == CUDNN_GRU &&
              kDoubleBias == CUDNN_RNN_DOUBLE_BIAS && kUnidirectional == CUDNN_UNIDIRECTIONAL &&
              kLinearInput == CUDNN_LINEAR_INPUT &&
              kSequenceMajorUnpacked == CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED &&
              kInference == CUDNN_FWD_MODE_INFERENCE && kTraining == CUDNN_FWD_MODE_TRAINING &&
              kAddToGradients == CUDNN_WGRAD_MODE_ADD && kPaddedIo == CUDNN_RNN_PADDED_IO_ENABLED);

// Whether arguments are passed alike: as many, each as wide, pointers for pointers, floats for floats.
template <class... A>
struct Arguments {};
template <class A, class B>
constexpr bool passed_alike =
    sizeof(A) == sizeof(B) && std::is_pointer_v<A> == std::is_pointer_v<B>&& std::is_floating_point_v<A> ==
                                  std::is_floating_point_v<B>;
template <class Ours, class Theirs>
constexpr bool all_alike = false;
template <class... A, class... B>
requires(sizeof...(A) ==
         sizeof...(B)) constexpr bool all_alike<Arguments<A...>, Arguments<B...>> = (passed_alike<A, B> && ...);
template <class... A, class... B, class Result>
constexpr bool called_alike(int (*RnnApi::*)(A...), Result (*)(B...)) {
  return sizeof(Result) == sizeof(int) && all_alike<Arguments<A...>, Arguments<B...>>;
}
static_assert(called_alike(&RnnApi::create, cudnnCreateRNNDescriptor) &&
              called_alike(&RnnApi::destroy, cudnnDestroyRNNDescriptor) &&
              called_alike(&RnnApi::set, cudnnSetRNNDescriptor_v8) &&
              called_alike(&RnnApi::data_create, cudnnCreateRNNDataDescriptor) &&
              called_alike(&RnnApi::data_destroy, cudnnDestroyRNNDataDescriptor) &&
              called_alike(&RnnApi::data_set, cudnnSetRNNDataDescriptor) &&
              called_alike(&RnnApi::tensor_create, cudnnCreateTensorDescriptor) &&
              called_alike(&RnnApi::tensor_destroy, cudnnDestroyTensorDescriptor) &&
              called_alike(&RnnApi::tensor_set, cudnnSetTensorNdDescriptor) &&
              called_alike(&RnnApi::tensor_get, cudnnGetTensorNdDescriptor) &&
              called_alike(&RnnApi::dropout_create, cudnnCreateDropoutDescriptor) &&
              called_alike(&RnnApi::dropout_destroy, cudnnDestroyDropoutDescriptor) &&
              called_alike(&RnnApi::dropout_set, cudnnSetDropoutDescriptor) &&
              called_alike(&RnnApi::weight_bytes, cudnnGetRNNWeightSpaceSize) &&
              called_alike(&RnnApi::weight_places, cudnnGetRNNWeightParams) &&
              called_alike(&RnnApi::space_bytes, cudnnGetRNNTempSpaceSizes) &&
              called_alike(&RnnApi::forward, cudnnRNNForward) &&
              called_alike(&RnnApi::backward_data, cudnnRNNBackwardData_v8) &&
              called_alike(&RnnApi::backward_weights, cudnnRNNBackwardWeights_v8));
static_assert(kTensorCore == CUDNN_NUMERICAL_NOTE_TENSOR_CORE &&
              kDownConvertInputs == CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS &&
              kReducedPrecisionReduction == CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION &&
              kFft == CUDNN_NUMERICAL_NOTE_FFT && kNondeterministic == CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC &&
              kWinograd == CUDNN_NUMERICAL_NOTE_WINOGRAD &&
              kWinograd13x13 == CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_13x13 &&
              kKeepsNan == CUDNN_NUMERICAL_NOTE_STRICT_NAN_PROP &&
              kRuntimeCompilation == CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION);
#if CUDNN_VERSION >= 90800  // plans for a described device
static_assert(kDeviceProperties == CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR &&
              kHeuristicsDeviceProperties == CUDNN_ATTR_ENGINEHEUR_DEVICEPROP &&
              kPlanDeviceProperties == CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP &&
              kDevicePropertiesJson == CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION &&
              kDevicePropertiesIndex == CUDNN_ATTR_DEVICEPROP_DEVICE_ID && kTypeInt32 == CUDNN_TYPE_INT32);
#endif
}  // namespace keratin::cuda::dnn
#endif
