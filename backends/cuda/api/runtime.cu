// The table of the CUDA runtime that is linked into the module.
#include "keratin/backends/cuda/api/runtime.h"

#include <cuda_runtime.h>

#include <cstdio>

namespace keratin::cuda {
namespace {

int device_name(char* text, std::size_t bytes, int device) {
  cudaDeviceProp properties;  // the struct differs between CUDA 12 and 13, so it stays in this file
  const cudaError_t error = cudaGetDeviceProperties(&properties, device);
  if (error == cudaSuccess) std::snprintf(text, bytes, "%s", properties.name);
  return error;
}

int event_create(Event* event) { return cudaEventCreate(event); }

}  // namespace

const RuntimeApi& runtime_api() {
  static const RuntimeApi api = {
      .error_name = [](int error) { return cudaGetErrorName(static_cast<cudaError_t>(error)); },
      .error_text = [](int error) { return cudaGetErrorString(static_cast<cudaError_t>(error)); },
      .last_error = [] { return static_cast<int>(cudaGetLastError()); },
      .driver_version = [](int* version) { return static_cast<int>(cudaDriverGetVersion(version)); },
      .runtime_version = [](int* version) { return static_cast<int>(cudaRuntimeGetVersion(version)); },
      .device_count = [](int* count) { return static_cast<int>(cudaGetDeviceCount(count)); },
      .device_name = device_name,
      .device_attribute =
          [](int* value, int attribute, int device) {
            return static_cast<int>(cudaDeviceGetAttribute(value, static_cast<cudaDeviceAttr>(attribute), device));
          },
      .set_device = [](int device) { return static_cast<int>(cudaSetDevice(device)); },
      .memory_info = [](std::size_t* free,
                        std::size_t* total) { return static_cast<int>(cudaMemGetInfo(free, total)); },
      .device_bus = [](char* text, int bytes,
                       int device) { return static_cast<int>(cudaDeviceGetPCIBusId(text, bytes, device)); },
      .allocate = [](void** memory, std::size_t bytes) { return static_cast<int>(cudaMalloc(memory, bytes)); },
      .release = [](void* memory) { return static_cast<int>(cudaFree(memory)); },
      .allocate_pinned = [](void** memory,
                            std::size_t bytes) { return static_cast<int>(cudaMallocHost(memory, bytes)); },
      .release_pinned = [](void* memory) { return static_cast<int>(cudaFreeHost(memory)); },
      .copy_to_device =
          [](void* to, const void* from, std::size_t bytes, Stream stream) {
            return static_cast<int>(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream));
          },
      .copy_to_host =
          [](void* to, const void* from, std::size_t bytes, Stream stream) {
            return static_cast<int>(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream));
          },
      .copy_on_device =
          [](void* to, const void* from, std::size_t bytes, Stream stream) {
            return static_cast<int>(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream));
          },
      .fill = [](void* to, int byte, std::size_t bytes,
                 Stream stream) { return static_cast<int>(cudaMemsetAsync(to, byte, bytes, stream)); },
      // Not ordered with the default stream, which other libraries in the process may use.
      .stream_create =
          [](Stream* stream) { return static_cast<int>(cudaStreamCreateWithFlags(stream, cudaStreamNonBlocking)); },
      .stream_destroy = [](Stream stream) { return static_cast<int>(cudaStreamDestroy(stream)); },
      .stream_synchronize = [](Stream stream) { return static_cast<int>(cudaStreamSynchronize(stream)); },
      .event_create = event_create,
      .event_destroy = [](Event event) { return static_cast<int>(cudaEventDestroy(event)); },
      .event_record = [](Event event, Stream stream) { return static_cast<int>(cudaEventRecord(event, stream)); },
      .event_synchronize = [](Event event) { return static_cast<int>(cudaEventSynchronize(event)); },
      .stream_wait_event = [](Stream stream,
                              Event event) { return static_cast<int>(cudaStreamWaitEvent(stream, event, 0)); },
      .event_milliseconds = [](float* milliseconds, Event from,
                               Event to) { return static_cast<int>(cudaEventElapsedTime(milliseconds, from, to)); },
      .capture_begin =
          [](Stream stream) {
            return static_cast<int>(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
          },
      .capture_end = [](Stream stream, Graph* graph) { return static_cast<int>(cudaStreamEndCapture(stream, graph)); },
      .graph_instantiate = [](GraphExec* exec,
                              Graph graph) { return static_cast<int>(cudaGraphInstantiate(exec, graph, 0)); },
      .graph_launch = [](GraphExec exec, Stream stream) { return static_cast<int>(cudaGraphLaunch(exec, stream)); },
      .graph_destroy = [](Graph graph) { return static_cast<int>(cudaGraphDestroy(graph)); },
      .graph_exec_destroy = [](GraphExec exec) { return static_cast<int>(cudaGraphExecDestroy(exec)); },
  };
  return api;
}

}  // namespace keratin::cuda
