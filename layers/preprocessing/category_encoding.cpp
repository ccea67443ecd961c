#include "keratin/layers/preprocessing/category_encoding.h"

#include <algorithm>

#include "keratin/core/model/config_reader.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin {
namespace {

const std::vector<std::string> kModes = {"one_hot", "multi_hot", "count"};

class CategoryEncodingLayer final : public LayerImpl {
 public:
  CategoryEncodingLayer(std::int64_t num_tokens, const CategoryEncodingOptions& options)
      : LayerImpl("CategoryEncoding", options.name, options.trainable),
        num_tokens_(num_tokens),
        mode_(options.output_mode == "binary" ? "multi_hot" : options.output_mode) {  // its name in Keras 2
    detail::require_positive("CategoryEncoding", "num_tokens", num_tokens_);
    if (std::find(kModes.begin(), kModes.end(), mode_) != kModes.end()) return;
    throw InvalidArgument("CategoryEncoding: output_mode must be 'one_hot', 'multi_hot' or 'count', got '" + mode_ +
                          "'" + did_you_mean(mode_, kModes));
  }

  Config config() const override {
    return LayerImpl::config().set("num_tokens", num_tokens_).set("output_mode", mode_);
  }

  std::int64_t index_limit() const override { return num_tokens_; }

  Value call(Value x, CallContext&) override {
    if (mode_ == "one_hot" && x.rank() > 1 && x.shape()[x.rank() - 1] == 1) x = ops::squeeze(x, -1);
    const Value ids = ops::expand_dims(ops::cast(x, DType::int32), -1);
    Shape tokens;
    for (int axis = 1; axis < ids.rank(); ++axis) tokens.push_back(1);
    tokens.push_back(num_tokens_);
    const Value hot = ops::cast(ops::equal(ids, ops::iota(tokens, ids.rank() - 1)), DType::float32);
    if (mode_ == "one_hot") return hot;
    return mode_ == "count" ? ops::sum(hot, {1}) : ops::max(hot, {1});
  }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override {
    if (mode_ == "one_hot") {
      detail::require_rank_from(inputs[0], 1, "(n, ...)");
    } else {
      detail::require_rank(inputs[0], 2, "(n, k)");
    }
  }

 private:
  std::int64_t num_tokens_;
  std::string mode_;
};

}  // namespace

CategoryEncoding::CategoryEncoding(std::int64_t num_tokens, const CategoryEncodingOptions& options)
    : Layer(std::make_shared<CategoryEncodingLayer>(num_tokens, options)) {}

Layer CategoryEncoding::from_config(ConfigReader& c) {
  const std::int64_t num_tokens = c.integer("num_tokens");
  c.expect("sparse", {false});
  return CategoryEncoding(
      num_tokens, {.output_mode = c.text("output_mode", "multi_hot"), .name = c.name(), .trainable = c.trainable()});
}

}  // namespace keratin
