// The CUDA runtime as this backend uses it: a table of functions, filled from the static runtime in the module
// (api/runtime.cu) and by a simulator on the host in the tests. Everything returns a cudaError_t as a number; 0 is
// success.
#pragma once

#include <cstddef>

// CUDA's own tags of the types behind its handles: no header of the toolkit is needed to pass them on.
struct CUstream_st;
struct CUevent_st;
struct CUgraph_st;
struct CUgraphExec_st;

namespace keratin::cuda {

using Stream = CUstream_st*;
using Event = CUevent_st*;
using Graph = CUgraph_st*;
using GraphExec = CUgraphExec_st*;

// Values of cudaError_t and cudaDeviceAttr; api/check_constants.cpp compares them with the toolkit's.
enum RuntimeError : int {
  kOutOfMemory = 2,
  kInsufficientDriver = 35,
  kStubLibrary = 34,
  kNoDevice = 100,
  kNoKernelImage = 209,
  kCaptureUnsupported = 900,
  kCaptureInvalidated = 901,
};
enum DeviceAttribute : int { kMultiprocessors = 16, kComputeMajor = 75, kComputeMinor = 76 };

struct RuntimeApi {
  const char* (*error_name)(int error);
  const char* (*error_text)(int error);
  int (*last_error)();  // of kernel launches; clears it
  int (*driver_version)(int* version);
  int (*runtime_version)(int* version);
  int (*device_count)(int* count);
  int (*device_name)(char* text, std::size_t bytes, int device);
  int (*device_attribute)(int* value, int attribute, int device);
  int (*set_device)(int device);
  int (*memory_info)(std::size_t* free, std::size_t* total);
  // The driver's name of the device's place, "00000000:17:00.0", which needs no context.
  int (*device_bus)(char* text, int bytes, int device);
  int (*allocate)(void** memory, std::size_t bytes);
  int (*release)(void* memory);
  int (*allocate_pinned)(void** memory, std::size_t bytes);
  int (*release_pinned)(void* memory);
  int (*copy_to_device)(void* to, const void* from, std::size_t bytes, Stream stream);
  int (*copy_to_host)(void* to, const void* from, std::size_t bytes, Stream stream);
  int (*copy_on_device)(void* to, const void* from, std::size_t bytes, Stream stream);
  int (*fill)(void* to, int byte, std::size_t bytes, Stream stream);
  int (*stream_create)(Stream* stream);
  int (*stream_destroy)(Stream stream);
  int (*stream_synchronize)(Stream stream);
  int (*event_create)(Event* event);
  int (*event_destroy)(Event event);
  int (*event_record)(Event event, Stream stream);
  int (*event_synchronize)(Event event);
  int (*stream_wait_event)(Stream stream, Event event);  // later work of the stream; joins the event's capture
  int (*event_milliseconds)(float* milliseconds, Event from, Event to);
  int (*capture_begin)(Stream stream);  // of this thread's calls only
  int (*capture_end)(Stream stream, Graph* graph);
  int (*graph_instantiate)(GraphExec* exec, Graph graph);
  int (*graph_launch)(GraphExec exec, Stream stream);
  int (*graph_destroy)(Graph graph);
  int (*graph_exec_destroy)(GraphExec exec);
};

const RuntimeApi& runtime_api();

}  // namespace keratin::cuda
