#include "keratin/layers/reshaping/permute.h"

#include <algorithm>
#include "keratin/layers/detail/config_support.h"

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin {
namespace {

class PermuteLayer final : public LayerImpl {
 public:
  PermuteLayer(std::vector<int> dims, const LayerOptions& options)
      : LayerImpl("Permute", options.name, options.trainable), dims_(std::move(dims)) {
    std::vector<int> sorted = dims_;
    std::sort(sorted.begin(), sorted.end());
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      if (sorted[i] == static_cast<int>(i) + 1) continue;
      throw InvalidArgument("Permute: dims must hold each of 1, 2, ..., " + std::to_string(dims_.size()) +
                            " once, got " + op_support::text_of(dims_));
    }
  }

  Config config() const override { return LayerImpl::config().set("dims", dims_); }

  Value call(Value x, CallContext&) override {
    std::vector<int> permutation = {0};
    permutation.insert(permutation.end(), dims_.begin(), dims_.end());
    return ops::transpose(x, permutation);
  }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override {
    detail::require_rank(inputs[0], static_cast<int>(dims_.size()) + 1, "(n, and as many axes as dims has)");
  }

 private:
  std::vector<int> dims_;
};

}  // namespace

Permute::Permute(std::vector<int> dims, const LayerOptions& options)
    : Layer(std::make_shared<PermuteLayer>(std::move(dims), options)) {}

Layer Permute::from_config(ConfigReader& c) {
  std::vector<int> dims = detail::read_small_integers(c, "dims");
  return Permute(std::move(dims), detail::read_layer_options(c));
}

}  // namespace keratin
