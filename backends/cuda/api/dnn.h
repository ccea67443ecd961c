// cuDNN 9's graph interface as this backend uses it: a table of its C functions, filled with dlsym in the module and by
// a simulator in the tests. Constants are declared here with cuDNN's values, so that it is needed at run time only;
// api/check_constants.cpp compares them with cuDNN's headers where these are installed.
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
};
enum BehaviorNote : int { kRuntimeCompilation = 0 };

using Handle = struct HandleOpaque*;
using RawDescriptor = void*;

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
};

}  // namespace keratin::cuda::dnn
