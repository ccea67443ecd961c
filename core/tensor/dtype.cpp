#include "keratin/core/tensor/dtype.h"

#include <string>
#include <vector>

#include "keratin/core/tensor/errors.h"

namespace keratin {

std::string_view name_of(DType dtype) {
  switch (dtype) {
    case DType::float32: return "float32";
    case DType::float64: return "float64";
    case DType::int32: return "int32";
    case DType::int64: return "int64";
    case DType::uint8: return "uint8";
    case DType::boolean: return "bool";
  }
  return "unknown";
}

DType dtype_from_name(std::string_view name) {
  std::vector<std::string> known;
  for (DType dtype : {DType::float32, DType::float64, DType::int32, DType::int64, DType::uint8, DType::boolean}) {
    if (name == name_of(dtype)) return dtype;
    known.emplace_back(name_of(dtype));
  }
  throw InvalidArgument("unknown dtype '" + std::string(name) + "'" + did_you_mean(name, known));
}

}  // namespace keratin
