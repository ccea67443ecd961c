// A GPU on the host, for tests of the CUDA backend: the functions it uses of the CUDA runtime, cuBLASLt and cuDNN, on
// host memory, with the rules the real ones have. Whatever breaks a rule is an error whose text says which; because the
// backend may get over errors, broken rules are counted, too.
//
// KERATIN_CUDASIM is a list of faults, separated by commas, e.g. "no_cudnn,no_epilogue"; see `fault`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "keratin/backends/cuda/api/runtime.h"

namespace keratin::cuda::simulator {

// Whether KERATIN_CUDASIM names this fault now; for "name=number", the number is stored when asked for.
bool fault(std::string_view name, std::int64_t* number = nullptr);

// What a GPU's memory loses besides what is allocated.
inline constexpr std::size_t kContextBytes = std::size_t{256} << 20, kBlasBytes = std::size_t{32} << 20,
                             kDnnBytes = std::size_t{64} << 20, kKernelBytes = std::size_t{8} << 20;
void add_overhead(std::size_t bytes);

// Runs `work` now, or records it while the stream is being captured.
void enqueue(Stream stream, std::function<void()> work);
// Whether the stream is in a capture that has failed already, where the libraries' calls fail, too.
bool in_failed_capture(Stream stream);

// Notes why a call fails; returns the error to pass on. error_text() and the libraries' texts tell it. For what a real
// GPU may answer to calls that keep the rules: faults that were asked for, and what follows from an error before.
int refuse(std::string text, int error);
const std::string& last_refusal();
// The same for a call that breaks a rule.
int broken_rule(std::string text, int error = 1);

// Whether [memory, memory + bytes) is device memory. No bytes are anywhere.
bool in_device_memory(const void* memory, std::size_t bytes);
// "" or what is wrong with an operand: its place or its alignment.
std::string fault_of_operand(const char* name, const void* memory, std::int64_t bytes, std::int64_t alignment);

// What tensor cores make of a float32 operand: 10 bits of mantissa.
float to_tf32(float x);

}  // namespace keratin::cuda::simulator

// What a test asks of the module, by dlsym: how many rules were broken since it last asked, and the last of them; ""
// when none was. Valid until the next call.
extern "C" __attribute__((visibility("default"))) const char* keratin_cudasim_broken_rules();
// Of the last graph that was made: "<nodes> <the most that come one after the other>"; "" before the first. Valid until
// the next one.
extern "C" __attribute__((visibility("default"))) const char* keratin_cudasim_graph_shape();
