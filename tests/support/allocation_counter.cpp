#include "tests/support/allocation_counter.h"

#include <atomic>
#include <cerrno>
#include <cstdlib>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define KERATIN_OWN_MALLOC 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define KERATIN_OWN_MALLOC 0
#else
#define KERATIN_OWN_MALLOC 1
#endif
#else
#define KERATIN_OWN_MALLOC 1
#endif

namespace {
std::atomic<bool> armed{false};
std::atomic<std::int64_t> count{0};
}  // namespace

namespace keratin::testing {

bool can_count_allocations() { return KERATIN_OWN_MALLOC == 1; }
void arm_allocation_counter() {
  count = 0;
  armed = true;
}
std::int64_t disarm_allocation_counter() {
  armed = false;
  return count;
}

}  // namespace keratin::testing

#if KERATIN_OWN_MALLOC
// glibc exports its allocator under these names, so that programs may put their own in front of it.
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

static void note() {
  if (armed.load(std::memory_order_relaxed)) count.fetch_add(1, std::memory_order_relaxed);
}

void* malloc(std::size_t size) {
  note();
  return __libc_malloc(size);
}
void* calloc(std::size_t n, std::size_t size) {
  note();
  return __libc_calloc(n, size);
}
void* realloc(void* old, std::size_t size) {
  note();
  return __libc_realloc(old, size);
}
void* memalign(std::size_t alignment, std::size_t size) {
  note();
  return __libc_memalign(alignment, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  note();
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** result, std::size_t alignment, std::size_t size) {
  note();
  *result = __libc_memalign(alignment, size);
  return *result ? 0 : ENOMEM;
}
}
#endif
