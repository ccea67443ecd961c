// The CUDA runtime of the simulator: memory, devices that share it, streams that run at once or are captured.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "keratin/backends/cuda/api/kernel_image.h"
#include "keratin/backends/cuda/api/nvml.h"
#include "keratin/backends/cuda/device/launch.h"
#include "tests/modules/cuda_simulator/simulator.h"

// Work of a graph, and the work that must have ended before.
struct GraphNode {
  std::function<void()> work;
  std::vector<std::size_t> after;
};
struct Capture {
  CUstream_st* origin = nullptr;
  bool invalidated = false;
  std::vector<GraphNode> nodes;
};
struct CUstream_st {
  std::shared_ptr<Capture> capture;  // null while there is none
  std::vector<std::size_t> last;     // of the capture's nodes: what the stream's next one comes after
};
struct CUevent_st {
  bool recorded = false;
  std::shared_ptr<Capture> capture;  // in which it was recorded
  std::vector<std::size_t> last;
};
struct CUgraph_st {
  std::vector<GraphNode> nodes;
};
struct CUgraphExec_st {
  std::vector<GraphNode> nodes;
};

namespace keratin::cuda {
namespace simulator {
namespace {

constexpr std::size_t kTotalMemory = std::size_t{2} << 30;

struct Machine {
  std::map<std::uintptr_t, std::size_t> device, pinned;  // blocks in use
  std::size_t used = 0;
  std::size_t overhead = 0;  // of the context and the libraries
  int current = 0;           // device
  std::vector<Stream> streams;
  std::string refusal;      // why the last call that failed did so
  int broken_rules = 0;     // that no test has asked for yet
  std::string broken_rule;  // the last one
};
Machine& machine() {
  static Machine* instance = new Machine;
  return *instance;
}

bool within(const std::map<std::uintptr_t, std::size_t>& blocks, const void* memory, std::size_t bytes) {
  const auto address = reinterpret_cast<std::uintptr_t>(memory);
  auto block = blocks.upper_bound(address);
  if (block == blocks.begin()) return false;
  --block;
  return address + bytes <= block->first + block->second;
}

// What may not happen while a stream is captured ends the capture.
int forbidden_in_capture(const char* call) {
  for (Stream stream : machine().streams) {
    if (!stream->capture) continue;
    stream->capture->invalidated = true;
    return broken_rule(std::string(call) + " while a stream is captured", kCaptureUnsupported);
  }
  return 0;
}

int allocate_in(std::map<std::uintptr_t, std::size_t>& blocks, void** memory, std::size_t bytes) {
  // Exactly as large as asked for, so that the address sanitizer sees what is read or written behind it.
  if (posix_memalign(memory, 256, bytes) != 0) return kOutOfMemory;
  std::memset(*memory, 0xff, bytes);
  blocks.emplace(reinterpret_cast<std::uintptr_t>(*memory), bytes);
  return 0;
}

int release_from(std::map<std::uintptr_t, std::size_t>& blocks, void* memory) {
  const auto found = blocks.find(reinterpret_cast<std::uintptr_t>(memory));
  if (found == blocks.end()) return broken_rule("release of memory that was not allocated");
  blocks.erase(found);
  std::free(memory);
  return 0;
}

int allocate(void** memory, std::size_t bytes) {
  if (const int error = forbidden_in_capture("cudaMalloc")) return error;
  if (bytes > kTotalMemory - machine().used - machine().overhead) return kOutOfMemory;
  machine().used += bytes;
  return allocate_in(machine().device, memory, bytes);
}
int release(void* memory) {
  if (const int error = forbidden_in_capture("cudaFree")) return error;
  const auto found = machine().device.find(reinterpret_cast<std::uintptr_t>(memory));
  if (found != machine().device.end()) machine().used -= found->second;
  return release_from(machine().device, memory);
}

int copy(void* to, const void* from, std::size_t bytes, Stream stream) {
  enqueue(stream, [=] { std::memmove(to, from, bytes); });
  return 0;
}

// "streams=1": there can be no more.
int stream_create(Stream* stream) {
  std::int64_t most = 0;
  if (fault("streams", &most) && machine().streams.size() >= static_cast<std::size_t>(most)) {
    return refuse("no more streams", kOutOfMemory);
  }
  *stream = new CUstream_st;
  machine().streams.push_back(*stream);
  return 0;
}
int stream_destroy(Stream stream) {
  if (stream->capture) return broken_rule("the end of a stream that is being captured");
  std::erase(machine().streams, stream);
  delete stream;
  return 0;
}
int capture_begin(Stream stream) {
  if (stream->capture) return broken_rule("a capture within a capture");
  stream->capture = std::make_shared<Capture>();
  stream->capture->origin = stream;
  stream->capture->invalidated = fault("capture_fails");
  stream->last.clear();
  return 0;
}

// Whether every node comes before the stream's end.
bool all_joined(const Capture& capture, const std::vector<std::size_t>& last) {
  std::vector<bool> reached(capture.nodes.size(), false);
  std::vector<std::size_t> open = last;
  std::size_t count = 0;
  while (!open.empty()) {
    const std::size_t node = open.back();
    open.pop_back();
    if (reached[node]) continue;
    reached[node] = true;
    ++count;
    open.insert(open.end(), capture.nodes[node].after.begin(), capture.nodes[node].after.end());
  }
  return count == capture.nodes.size();
}

int capture_end(Stream stream, Graph* graph) {
  const std::shared_ptr<Capture> capture = stream->capture;
  if (!capture || capture->origin != stream) return broken_rule("the end of a capture that never began");
  for (Stream each : machine().streams) {
    if (each->capture == capture) each->capture = nullptr;
  }
  *graph = nullptr;
  if (capture->invalidated) return kCaptureInvalidated;
  if (!all_joined(*capture, stream->last)) return refuse("a capture ends while a branch of it goes on", 904);
  *graph = new CUgraph_st{std::move(capture->nodes)};
  return 0;
}

int event_record(Event event, Stream stream) {
  event->recorded = !stream->capture;
  event->capture = stream->capture;
  event->last = stream->last;
  return 0;
}

int stream_wait_event(Stream stream, Event event) {
  // "wait_fails=3": the third one.
  std::int64_t failing = 0;
  static std::int64_t waits = 0;
  if (fault("wait_fails", &failing) && ++waits == failing) return refuse("a stream that waits for another one", 1);
  if (!event->capture) return stream->capture ? broken_rule("a capture waits for an event outside of it", 905) : 0;
  if (!stream->capture) {
    stream->capture = event->capture;
    stream->last.clear();
  } else if (stream->capture != event->capture) {
    return broken_rule("a capture waits for another one", 903);
  }
  stream->last.insert(stream->last.end(), event->last.begin(), event->last.end());
  return 0;
}

// In an order that keeps what comes after what and changes from launch to launch: the first that is ready, the last, or
// one between.
int graph_launch(GraphExec exec, Stream stream) {
  if (stream->capture) return broken_rule("a graph launched into a capture");
  static unsigned launches = 0;
  const unsigned order = launches++ % 3;
  const std::vector<GraphNode>& nodes = exec->nodes;
  std::vector<std::size_t> waits_for(nodes.size(), 0), ready;
  std::vector<std::vector<std::size_t>> then(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (const std::size_t before : nodes[i].after) then[before].push_back(i);
    waits_for[i] = nodes[i].after.size();
    if (waits_for[i] == 0) ready.push_back(i);
  }
  while (!ready.empty()) {
    const std::size_t pick = order == 0 ? 0 : order == 1 ? ready.size() - 1 : ready.size() / 2;
    const std::size_t node = ready[pick];
    ready.erase(ready.begin() + static_cast<std::ptrdiff_t>(pick));
    nodes[node].work();
    for (const std::size_t next : then[node]) {
      if (--waits_for[next] == 0) ready.push_back(next);
    }
  }
  return 0;
}

// How many nodes a graph has, and how many of them at most come one after the other.
std::string shape_of_graph = "";
void note_shape(const std::vector<GraphNode>& nodes) {
  std::vector<std::size_t> depth(nodes.size(), 1);
  std::size_t deepest = 0;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (const std::size_t before : nodes[i].after) depth[i] = std::max(depth[i], depth[before] + 1);
    deepest = std::max(deepest, depth[i]);
  }
  shape_of_graph = std::to_string(nodes.size()) + " " + std::to_string(deepest);
}

int device_count() {
  std::int64_t count = 1;
  fault("devices", &count);
  return static_cast<int>(count);
}

std::string error_text_buffer;

}  // namespace

bool fault(std::string_view name, std::int64_t* number) {
  const char* list = std::getenv("KERATIN_CUDASIM");
  std::string_view rest = list ? list : "";
  while (!rest.empty()) {
    const std::string_view entry = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), entry.size() + 1));
    if (entry == name) return true;
    if (number && entry.starts_with(name) && entry.substr(name.size()).starts_with("=")) {
      *number = std::atoll(std::string(entry.substr(name.size() + 1)).c_str());
      return true;
    }
  }
  return false;
}

void add_overhead(std::size_t bytes) { machine().overhead += bytes; }

void enqueue(Stream stream, std::function<void()> work) {
  if (!stream->capture) return work();
  std::vector<GraphNode>& nodes = stream->capture->nodes;
  nodes.push_back({std::move(work), std::move(stream->last)});
  stream->last = {nodes.size() - 1};
}

bool in_failed_capture(Stream stream) { return stream->capture && stream->capture->invalidated; }

int refuse(std::string text, int error) {
  machine().refusal = std::move(text);
  return error;
}
const std::string& last_refusal() { return machine().refusal; }

int broken_rule(std::string text, int error) {
  ++machine().broken_rules;
  machine().broken_rule = text;
  return refuse(std::move(text), error);
}

bool in_device_memory(const void* memory, std::size_t bytes) {
  return bytes == 0 || within(machine().device, memory, bytes);
}

std::string fault_of_operand(const char* name, const void* memory, std::int64_t bytes, std::int64_t alignment) {
  if (!in_device_memory(memory, static_cast<std::size_t>(bytes))) {
    return std::string(name) + " is not within device memory";
  }
  if (reinterpret_cast<std::uintptr_t>(memory) % static_cast<std::uintptr_t>(alignment) != 0) {
    return std::string(name) + " is not aligned to " + std::to_string(alignment) + " bytes, as was promised";
  }
  return "";
}

float to_tf32(float x) {
  if (!std::isfinite(x)) return x;
  std::uint32_t bits = 0;
  std::memcpy(&bits, &x, sizeof x);
  bits = (bits + 0xfffu + ((bits >> 13) & 1u)) & ~0x1fffu;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

}  // namespace simulator

// NVML's part.
std::int64_t device_bytes_in_use(const std::string&) {
  const simulator::Machine& machine = simulator::machine();
  return simulator::fault("no_nvml") ? -1 : static_cast<std::int64_t>(machine.used + machine.overhead);
}
std::string driver_release() { return simulator::fault("no_nvml") ? "" : "580.82.07"; }

// "no_code=1": the second device is one that the module has no kernels for.
int load_empty_kernel() {
  std::int64_t device = -1;
  return simulator::fault("no_code", &device) && device == simulator::machine().current ? kNoKernelImage : 0;
}

void misaligned_access() {
  std::fputs("simulated GPU: misaligned address\n", stderr);
  std::abort();
}

void launch_on_host(Stream stream, std::function<void()> work) { simulator::enqueue(stream, std::move(work)); }

const RuntimeApi& runtime_api() {
  using namespace simulator;
  static const RuntimeApi api = {
      .error_name =
          [](int error) { return error == kOutOfMemory ? "cudaErrorMemoryAllocation" : "cudaErrorSimulated"; },
      .error_text =
          [](int error) {
            error_text_buffer = error == kNoDevice ? "no device" : last_refusal();
            return error_text_buffer.c_str();
          },
      .last_error = [] { return 0; },
      .driver_version =
          [](int* version) {
            std::int64_t number = 13000;
            fault("driver", &number);
            *version = static_cast<int>(number);
            return 0;
          },
      .runtime_version =
          [](int* version) {
            *version = 13000;
            return 0;
          },
      .device_count =
          [](int* count) {
            std::int64_t error = 0;
            *count = device_count();
            fault("count_error", &error);
            return static_cast<int>(error);
          },
      .device_name =
          [](char* text, std::size_t bytes, int) {
            std::snprintf(text, bytes, "simulated GPU");
            return 0;
          },
      .device_attribute =
          [](int* value, int attribute, int) {
            std::int64_t capability = 90;
            fault("capability", &capability);
            *value = attribute == kComputeMajor   ? static_cast<int>(capability / 10)
                     : attribute == kComputeMinor ? static_cast<int>(capability % 10)
                                                  : 132;
            return 0;
          },
      .set_device =
          [](int device) {
            if (machine().overhead == 0) add_overhead(kContextBytes);
            machine().current = device;
            std::int64_t error = 0;
            if (fault("set_device_error", &error)) return static_cast<int>(error);
            return device >= 0 && device < device_count() ? 0 : broken_rule("no such device");
          },
      .memory_info =
          [](std::size_t* free, std::size_t* total) {
            *total = kTotalMemory;
            *free = kTotalMemory - machine().used - machine().overhead;
            return 0;
          },
      .device_bus =
          [](char* text, int bytes, int) {
            std::snprintf(text, static_cast<std::size_t>(bytes), "00000000:17:00.0");
            return 0;
          },
      .allocate = allocate,
      .release = release,
      .allocate_pinned =
          [](void** memory, std::size_t bytes) {
            if (const int error = forbidden_in_capture("cudaMallocHost")) return error;
            return allocate_in(machine().pinned, memory, bytes);
          },
      .release_pinned = [](void* memory) { return release_from(machine().pinned, memory); },
      .copy_to_device =
          [](void* to, const void* from, std::size_t bytes, Stream stream) {
            if (!in_device_memory(to, bytes)) return broken_rule("a copy to the device ends outside of its memory");
            if (!within(machine().pinned, from, bytes))
              return broken_rule("a copy from memory that is not pinned waits");
            return copy(to, from, bytes, stream);
          },
      .copy_to_host =
          [](void* to, const void* from, std::size_t bytes, Stream stream) {
            if (!in_device_memory(from, bytes)) return broken_rule("a copy from outside of the device's memory");
            if (!within(machine().pinned, to, bytes)) return broken_rule("a copy to memory that is not pinned waits");
            return copy(to, from, bytes, stream);
          },
      .copy_on_device =
          [](void* to, const void* from, std::size_t bytes, Stream stream) {
            if (!in_device_memory(to, bytes) || !in_device_memory(from, bytes)) {
              return broken_rule("a copy on the device leaves its memory");
            }
            return copy(to, from, bytes, stream);
          },
      .fill =
          [](void* to, int byte, std::size_t bytes, Stream stream) {
            if (!in_device_memory(to, bytes)) return broken_rule("a fill leaves the device's memory");
            enqueue(stream, [=] { std::memset(to, byte, bytes); });
            return 0;
          },
      .stream_create = stream_create,
      .stream_destroy = stream_destroy,
      .stream_synchronize = [](Stream) { return forbidden_in_capture("cudaStreamSynchronize"); },
      .event_create =
          [](Event* event) {
            *event = new CUevent_st;
            return 0;
          },
      .event_destroy =
          [](Event event) {
            delete event;
            return 0;
          },
      .event_record = event_record,
      .event_synchronize = [](Event) { return forbidden_in_capture("cudaEventSynchronize"); },
      .stream_wait_event = stream_wait_event,
      .event_milliseconds =
          [](float* milliseconds, Event from, Event to) {
            if (!from->recorded || !to->recorded) return broken_rule("the time of an event that was not recorded");
            *milliseconds = 1;
            return 0;
          },
      .capture_begin = capture_begin,
      .capture_end = capture_end,
      .graph_instantiate =
          [](GraphExec* exec, Graph graph) {
            note_shape(graph->nodes);
            *exec = new CUgraphExec_st{graph->nodes};
            return 0;
          },
      .graph_launch = graph_launch,
      .graph_destroy =
          [](Graph graph) {
            delete graph;
            return 0;
          },
      .graph_exec_destroy =
          [](GraphExec exec) {
            delete exec;
            return 0;
          },
  };
  return api;
}

}  // namespace keratin::cuda

const char* keratin_cudasim_broken_rules() {
  static std::string told;
  auto& machine = keratin::cuda::simulator::machine();
  const int count = std::exchange(machine.broken_rules, 0);
  told = count == 0 ? "" : std::to_string(count) + (count == 1 ? ": " : ", the last: ") + machine.broken_rule;
  return told.c_str();
}

const char* keratin_cudasim_graph_shape() { return keratin::cuda::simulator::shape_of_graph.c_str(); }
