#include "keratin/io/detail/hdf5_strings.h"

#include <algorithm>

#include "keratin/core/tensor/errors.h"

namespace keratin::detail {
namespace {

constexpr std::string_view kHeap = "global heap";
// What a string costs at least, so that short ones cannot be multiplied either.
constexpr std::uint64_t kOverhead = 16;

bool by_number(const std::pair<std::uint32_t, H5Span>& a, const std::pair<std::uint32_t, H5Span>& b) {
  return a.first < b.first;
}

}  // namespace

std::string H5Strings::text(H5Span reference) {
  // Length, address of the heap, number of the object in it.
  H5Cursor cursor(reference, "reference to a string");
  const std::uint32_t length = cursor.u32();
  const std::uint64_t address = cursor.u64();
  const std::uint32_t number = cursor.u32();
  if (length == 0 || address == 0 || address == kNoAddress) return {};
  const Heap& from = heap(address);
  const auto found = std::lower_bound(from.objects.begin(), from.objects.end(), std::pair(number, H5Span()), by_number);
  if (found == from.objects.end() || found->first != number) {
    throw FileError("global heap: expected an object number " + std::to_string(number) + ", found none");
  }
  const H5Span object = found->second;
  if (length > object.size()) cursor.fail(std::to_string(length) + " bytes of text", std::to_string(object.size()));
  const std::uint64_t cost = std::max<std::uint64_t>(length, kOverhead);
  if (cost > budget_) throw FileError("expected strings that are stored once, found more text than the file holds");
  budget_ -= cost;
  const std::string_view text(reinterpret_cast<const char*>(object.data()), length);
  return std::string(text.substr(0, text.find('\0')));
}

const H5Strings::Heap& H5Strings::heap(std::uint64_t address) {
  if (const auto found = heaps_.find(address); found != heaps_.end()) return found->second;
  const H5Buffer head = source_.read_metadata(address, 16, kHeap);
  H5Cursor start(head, kHeap);
  start.signature("GCOL");
  start.version(1, 1);
  start.skip(3);
  const std::uint64_t length = start.u64();
  source_.check_range(address, length, kHeap);
  // Heaps that overlap would otherwise take more memory than the file is long.
  if (kept_bytes_ + length > source_.size()) {
    heaps_.clear();
    kept_bytes_ = 0;
  }
  Heap heap{source_.read_metadata(address, length, kHeap), {}};
  H5Cursor cursor(heap.bytes, kHeap);
  cursor.skip(16);
  while (cursor.left() >= 16) {
    const std::uint32_t number = cursor.u16();
    cursor.skip(6);
    const std::uint64_t bytes = cursor.u64();
    if (number == 0) break;  // free space up to the end
    heap.objects.emplace_back(number, cursor.take(bytes));
    cursor.skip(std::min<std::size_t>((8 - bytes % 8) % 8, cursor.left()));
  }
  std::sort(heap.objects.begin(), heap.objects.end(), by_number);
  kept_bytes_ += length;
  return heaps_.emplace(address, std::move(heap)).first->second;
}

}  // namespace keratin::detail
