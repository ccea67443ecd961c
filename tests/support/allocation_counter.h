// Counts calls of malloc and its relatives, of all threads, while it is armed; "a step allocates nothing" is tested
// with it.
#pragma once

#include <cstdint>

namespace keratin::testing {

// False where malloc belongs to somebody else (the sanitizers' runtimes).
bool can_count_allocations();
void arm_allocation_counter();
// Disarms, and returns the number of allocations since it was armed.
std::int64_t disarm_allocation_counter();

}  // namespace keratin::testing
