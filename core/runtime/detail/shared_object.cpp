#include "keratin/core/runtime/detail/shared_object.h"

#include <elf.h>
#include <link.h>

#include <cstring>
#include <filesystem>
#include <fstream>

namespace keratin::detail {
namespace {

#if defined(__x86_64__)
constexpr unsigned kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr unsigned kMachine = EM_AARCH64;
#else
constexpr unsigned kMachine = EM_NONE;  // not compared
#endif

}  // namespace

std::string fault_of_shared_object(const std::string& path) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);  // fails for folders and devices
  if (error) return "it is not a file";
  std::ifstream file(path, std::ios::binary);
  if (!file) return "it cannot be read";
  ElfW(Ehdr) header{};
  if (!file.read(reinterpret_cast<char*>(&header), sizeof header) ||
      std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
    return "it is not a shared library";
  }
  constexpr unsigned char kClass = sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32;
  // Of a library for another processor the dynamic linker says that there is no such file.
  if (header.e_ident[EI_CLASS] != kClass || header.e_phentsize != sizeof(ElfW(Phdr)) ||
      (kMachine != EM_NONE && header.e_machine != kMachine)) {
    return "it is not a shared library for this machine";
  }
  const std::string cut_off = "it is cut off after " + std::to_string(size) + " bytes";
  // The table of sections comes last. Nothing loads it, but a file without its end was not copied whole.
  const std::uintmax_t sections = std::uintmax_t{header.e_shnum} * header.e_shentsize;
  if (header.e_shoff > size || sections > size - header.e_shoff) return cut_off;
  file.seekg(static_cast<std::streamoff>(header.e_phoff));
  for (int i = 0; i < header.e_phnum; ++i) {
    ElfW(Phdr) segment{};
    if (!file.read(reinterpret_cast<char*>(&segment), sizeof segment) || segment.p_offset > size ||
        segment.p_filesz > size - segment.p_offset) {
      return cut_off;
    }
  }
  return "";
}

}  // namespace keratin::detail
