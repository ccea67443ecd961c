// cuDNN 9's graph interface, and that for recurrent layers, as this backend uses them: a table of its C functions,
// filled with dlsym in the module and by a simulator in the tests. Constants are declared here with cuDNN's values, so
// that it is needed at run time only; api/check_constants.cpp compares them with cuDNN's headers where these are
// installed.
#pragma once

#include <cstddef>
#include <cstdint>

#include "keratin/backends/cuda/api/runtime.h"

namespace keratin::cuda::dnn {

enum Status : int { kSuccess = 0 };

enum DescriptorType : int {
  kPointwise = 0,
  kConvolution = 1,
  kEngine = 2,
  kEngineConfig = 3,
  kEngineHeuristics = 4,
  kExecutionPlan = 5,
  kConvolutionForward = 10,
  kConvolutionBackwardFilter = 11,
  kConvolutionBackwardData = 12,
  kOperationPointwise = 13,
  kOperationGraph = 15,
  kVariantPack = 16,
  kTensor = 17,
  kDeviceProperties = 38,
};

enum AttributeType : int {
  kTypeHandle = 0,
  kTypeDataType = 1,
  kTypeBoolean = 2,
  kTypeInt64 = 3,
  kTypeFloat = 4,
  kTypePointer = 6,
  kTypeConvolutionMode = 7,
  kTypeHeuristicMode = 8,
  kTypeNanPropagation = 10,
  kTypeNumericalNote = 11,
  kTypePointwiseMode = 14,
  kTypeDescriptor = 15,
  kTypeBehaviorNote = 19,
  kTypeInt32 = 23,
  kTypeChar = 24,
};

enum Attribute : int {
  kPointwiseMode = 0,
  kPointwisePrecision = 1,
  kPointwiseNanPropagation = 2,
  kConvolutionComputeType = 100,
  kConvolutionMode = 101,
  kConvolutionDilations = 102,
  kConvolutionStrides = 103,
  kConvolutionPaddingAfter = 104,
  kConvolutionPaddingBefore = 105,
  kConvolutionSpatialAxes = 106,
  kHeuristicsMode = 200,
  kHeuristicsGraph = 201,
  kHeuristicsResults = 202,
  kHeuristicsDeviceProperties = 204,
  kConfigEngine = 300,
  kPlanHandle = 400,
  kPlanConfig = 401,
  kPlanWorkspace = 402,
  kPlanDeviceProperties = 407,
  // Alpha, beta, convolution, then three tensors: forward w, x, y; data w, dx, dy; filter dw, x, dy.
  kForwardAlpha = 700,
  kDataAlpha = 706,
  kFilterAlpha = 712,
  kOperationPointwiseDescriptor = 750,
  kOperationPointwiseX = 751,
  kOperationPointwiseB = 752,
  kOperationPointwiseY = 753,
  kGraphHandle = 800,
  kGraphOperations = 801,
  kTensorAlignment = 900,
  kTensorType = 901,
  kTensorDimensions = 902,
  kTensorStrides = 903,
  kTensorId = 906,
  kTensorIsVirtual = 907,
  kPackIds = 1000,
  kPackPointers = 1001,
  kPackWorkspace = 1003,
  kEngineGlobalIndex = 1301,
  kEngineNumericalNotes = 1303,
  kEngineBehaviorNotes = 1305,
  kDevicePropertiesIndex = 2700,
  kDevicePropertiesJson = 2702,
};

enum DataType : int { kFloat = 0 };
enum ConvolutionMode : int { kCrossCorrelation = 1 };
enum PointwiseMode : int { kAdd = 0, kReluForward = 100 };
enum NanPropagation : int { kPropagateNan = 1 };
enum HeuristicMode : int { kFallback = 2, kModeA = 3 };
enum NumericalNote : int {
  kTensorCore = 0,
  kDownConvertInputs = 1,
  kReducedPrecisionReduction = 2,
  kFft = 3,
  kNondeterministic = 4,
  kWinograd = 5,
  kWinograd4x4 = 6,
  kWinograd6x6 = 7,
  kWinograd13x13 = 8,
  kKeepsNan = 9,  // since cuDNN 9.1
};
enum BehaviorNote : int { kRuntimeCompilation = 0 };

enum MathType : int { kDefaultMath = 0, kFmaMath = 3 };  // TF32 is allowed, or not
enum RnnAlgorithm : int { kRnnStandard = 0 };
enum RnnMode : int { kLstm = 2, kGru = 3 };
enum RnnBias : int { kDoubleBias = 2 };
enum RnnDirection : int { kUnidirectional = 0 };
enum RnnInput : int { kLinearInput = 0 };
enum RnnLayout : int { kSequenceMajorUnpacked = 0 };
enum RnnForwardMode : int { kInference = 0, kTraining = 1 };
enum WeightGradientMode : int { kAddToGradients = 0 };
inline constexpr std::uint32_t kPaddedIo = 1;

using Handle = struct HandleOpaque*;
using RawDescriptor = void*;
using Rnn = struct RnnOpaque*;
using RnnData = struct RnnDataOpaque*;
using Tensor = struct TensorOpaque*;
using Dropout = struct DropoutOpaque*;

// What recurrent layers take: one layer, its weights in a space of cuDNN's own layout.
struct RnnApi {
  int (*create)(Rnn*);
  int (*destroy)(Rnn);
  int (*set)(Rnn, int algorithm, int mode, int bias, int direction, int input, int type, int compute_type,
             int math_type, std::int32_t features, std::int32_t units, std::int32_t projection, std::int32_t layers,
             Dropout, std::uint32_t flags);
  int (*data_create)(RnnData*);
  int (*data_destroy)(RnnData);
  // `lengths`, on the host, one for each sequence, are copied.
  int (*data_set)(RnnData, int type, int layout, int time, int n, int width, const int* lengths, void* padding);
  int (*tensor_create)(Tensor*);
  int (*tensor_destroy)(Tensor);
  int (*tensor_set)(Tensor, int type, int axes, const int* sizes, const int* strides);
  int (*tensor_get)(Tensor, int wanted, int* type, int* axes, int* sizes, int* strides);
  int (*dropout_create)(Dropout*);
  int (*dropout_destroy)(Dropout);
  int (*dropout_set)(Dropout, Handle, float rate, void* states, std::size_t bytes, unsigned long long seed);
  int (*weight_bytes)(Handle, Rnn, std::size_t* bytes);
  // Where the matrix and the bias of a gate lie in a weight space at `space`: addresses are computed, nothing is read.
  int (*weight_places)(Handle, Rnn, std::int32_t layer, std::size_t bytes, const void* space, std::int32_t gate,
                       Tensor matrix, void** matrix_at, Tensor bias, void** bias_at);
  int (*space_bytes)(Handle, Rnn, int forward_mode, RnnData x, std::size_t* workspace, std::size_t* reserve);
  // `lengths` must be null since cuDNN 8.9.1: those of the data's descriptors count.
  int (*forward)(Handle, Rnn, int forward_mode, const std::int32_t* lengths, RnnData, const void* x, RnnData, void* y,
                 Tensor h_desc, const void* h, void* last_h, Tensor c_desc, const void* c, void* last_c,
                 std::size_t weight_bytes, const void* weights, std::size_t workspace_bytes, void* workspace,
                 std::size_t reserve_bytes, void* reserve);
  int (*backward_data)(Handle, Rnn, const std::int32_t* lengths, RnnData, const void* y, const void* dy, RnnData,
                       void* dx, Tensor h_desc, const void* h, const void* dlast_h, void* dh, Tensor c_desc,
                       const void* c, const void* dlast_c, void* dc, std::size_t weight_bytes, const void* weights,
                       std::size_t workspace_bytes, void* workspace, std::size_t reserve_bytes, void* reserve);
  // After backward_data, with its reserve.
  int (*backward_weights)(Handle, Rnn, int mode, const std::int32_t* lengths, RnnData, const void* x, Tensor h_desc,
                          const void* h, RnnData, const void* y, std::size_t weight_bytes, void* dweights,
                          std::size_t workspace_bytes, void* workspace, std::size_t reserve_bytes, void* reserve);
};

struct Api {
  int (*create)(Handle*);
  int (*destroy)(Handle);
  int (*set_stream)(Handle, Stream);
  std::size_t (*version)();
  std::size_t (*cudart_version)();
  const char* (*status_text)(int);
  void (*last_error)(char* text, std::size_t bytes);
  int (*descriptor_create)(int type, RawDescriptor*);
  int (*descriptor_destroy)(RawDescriptor);
  int (*descriptor_finalize)(RawDescriptor);
  int (*descriptor_set)(RawDescriptor, int attribute, int type, std::int64_t count, const void* values);
  int (*descriptor_get)(RawDescriptor, int attribute, int type, std::int64_t wanted, std::int64_t* count, void* values);
  int (*execute)(Handle, RawDescriptor plan, RawDescriptor pack);
  RnnApi rnn;
};

}  // namespace keratin::cuda::dnn
