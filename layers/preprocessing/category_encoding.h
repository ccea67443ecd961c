// CategoryEncoding: numbers of categories as vectors (keras.layers.CategoryEncoding).
#pragma once

#include <cstdint>
#include <string>

#include "keratin/core/model/layer.h"

namespace keratin {

struct CategoryEncodingOptions {
  std::string output_mode = "multi_hot";  // or "one_hot", "count"
  std::string name = {};
  bool trainable = true;
};

// x: whole numbers from 0 to num_tokens - 1 -> y: float32
//   "one_hot"    (n, ...) -> (n, ..., num_tokens), 1 at the number; a last axis of size 1 goes
//   "multi_hot"  (n, k) -> (n, num_tokens), 1 for each number that a row has
//   "count"      (n, k) -> (n, num_tokens), how often a row has each number
class CategoryEncoding : public Layer {
 public:
  // Throws InvalidArgument for num_tokens below 1 and for another output_mode.
  explicit CategoryEncoding(std::int64_t num_tokens, const CategoryEncodingOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
