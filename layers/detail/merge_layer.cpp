#include "keratin/layers/detail/merge_layer.h"

#include <algorithm>

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"

namespace keratin::detail {
namespace {

int largest_rank(std::span<const Shape> shapes) {
  int rank = 0;
  for (const Shape& shape : shapes) rank = std::max(rank, shape.rank());
  return rank;
}

// With axes of size 1 after the batch until it has that rank.
Shape of_rank(const Shape& shape, int rank) {
  return shape.slice(0, 1)
      .concat(Shape(std::vector<std::int64_t>(static_cast<std::size_t>(rank - shape.rank()), 1)))
      .concat(shape.slice(1, shape.rank()));
}

class MergeLayer final : public LayerImpl {
 public:
  MergeLayer(const std::string& class_name, const LayerOptions& options, int inputs, Merge merge)
      : LayerImpl(class_name, options.name, options.trainable), inputs_(inputs), merge_(merge) {}

  Values call(std::span<const Value> inputs, CallContext& context) override {
    context.set_mask(any_mask(context));
    std::vector<Shape> shapes;
    for (const Value& input : inputs) shapes.push_back(input.shape());
    const int rank = largest_rank(shapes);
    Values values;
    for (const Value& input : inputs) {
      values.push_back(ops::reshape(op_support::to_floating(input), of_rank(input.shape(), rank)));
    }
    return {merge_(values)};
  }

 protected:
  int input_count() const override { return inputs_; }

  void check_inputs(std::span<const Shape> inputs) const override {
    std::string text;
    for (const Shape& shape : inputs) {
      if (shape.rank() == 0) throw InvalidArgument("expected inputs with a batch axis, got a scalar");
      text += (text.empty() ? "" : ", ") + shape.to_string();
    }
    const int rank = largest_rank(inputs);
    for (int axis = 0; axis < rank; ++axis) {
      std::int64_t size = 1;
      for (const Shape& shape : inputs) {
        const std::int64_t mine = of_rank(shape, rank)[axis];
        if (mine == kUnknown || mine == 1) continue;
        if (size != 1 && size != mine) {
          throw InvalidArgument("the shapes of its inputs do not fit together: " + text +
                                "; sizes must be equal or 1 on every axis");
        }
        size = mine;
      }
    }
  }

 private:
  // A step counts when it counts in one of the inputs; without a mask for each of them there is none.
  static Value any_mask(const CallContext& context) {
    Value any;
    for (const Value& mask : context.masks()) {
      if (!mask) return {};
      any = any ? ops::logical_or(any, mask) : mask;
    }
    return any;
  }

  int inputs_;
  Merge merge_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_merge(const std::string& class_name, const LayerOptions& options, int inputs,
                                      Merge merge) {
  return std::make_shared<MergeLayer>(class_name, options, inputs, merge);
}

}  // namespace keratin::detail
