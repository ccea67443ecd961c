// The kernels of the reference backend: plain loops in double, found by the op's name.
#pragma once

#include <any>
#include <functional>
#include <map>
#include <span>
#include <string_view>

#include "keratin/backends/reference/array.h"

namespace keratin::reference {

using Arrays = std::span<const Array>;
// Computes the outputs from the inputs. Allocates what it likes: simplicity comes first here.
using Kernel = std::function<void(const std::any& attrs, Arrays in, Arrays out)>;
using KernelTable = std::map<std::string_view, Kernel>;

// All kernels. There is none for fused ops: their decomposition is what they are compared with.
const KernelTable& kernels();

void add_elementwise(KernelTable& table);
void add_matmul(KernelTable& table);
void add_conv(KernelTable& table);
void add_pool(KernelTable& table);
void add_reduce(KernelTable& table);
void add_shaping(KernelTable& table);
void add_gather(KernelTable& table);
void add_random(KernelTable& table);
void add_sorting(KernelTable& table);

}  // namespace keratin::reference
