#include "keratin/layers/core/einsum_dense.h"

#include <algorithm>
#include <map>

#include "keratin/core/model/config_reader.h"
#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/einsum.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin {
namespace {

class EinsumDenseLayer final : public LayerImpl {
 public:
  EinsumDenseLayer(std::string equation, Shape output_shape, EinsumDenseOptions options)
      : LayerImpl("EinsumDense", options.name, options.trainable),
        equation_(std::move(equation)),
        output_shape_(std::move(output_shape)),
        options_(std::move(options)) {
    const std::size_t comma = equation_.find(','), arrow = equation_.find("->");
    const bool parts = comma != std::string::npos && arrow != std::string::npos && comma < arrow;
    if (parts) {
      input_ = equation_.substr(0, comma);
      kernel_letters_ = equation_.substr(comma + 1, arrow - comma - 1);
      output_ = equation_.substr(arrow + 2);
    }
    left_ = input_.starts_with("...") && output_.starts_with("...");
    right_ = !left_ && input_.ends_with("...") && output_.ends_with("...");
    for (std::string* term : {&input_, &output_}) {
      if (left_) *term = term->substr(3);
      if (right_) term->resize(term->size() - 3);
    }
    const auto letters = [](const std::string& term) {
      return !term.empty() && std::all_of(term.begin(), term.end(),
                                          [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
    };
    if (!parts || !letters(input_) || !letters(kernel_letters_) || !letters(output_)) {
      throw InvalidArgument(
          "EinsumDense: the equation must be of the form 'ab,bc->ac', '...b,bc->...c' or 'ab...,bc->ac...', got '" +
          equation_ + "'");
    }
    for (char letter : options_.bias_axes) {
      if (output_.find(letter) != std::string::npos) continue;
      throw InvalidArgument("EinsumDense: bias_axes must be letters of '" + output_ + "', got '" + options_.bias_axes +
                            "'");
    }
    const std::size_t sizes = output_.size() - (left_ ? 0 : 1);
    if (static_cast<std::size_t>(output_shape_.rank()) != sizes) {
      throw InvalidArgument("EinsumDense: output_shape must have " + std::to_string(sizes) + " sizes for '" +
                            equation_ + "', got " + output_shape_.to_string());
    }
  }

  Config config() const override {
    Config config = LayerImpl::config();
    if (options_.activity_regularizer) config.set("activity_regularizer", options_.activity_regularizer.config());
    config.set("output_shape", output_shape_)
        .set("equation", equation_)
        .set("activation", options_.activation.name())
        .set("bias_axes", options_.bias_axes.empty() ? ConfigValue() : ConfigValue(options_.bias_axes))
        .set("kernel_initializer", options_.kernel_initializer.config())
        .set("bias_initializer", options_.bias_initializer.config())
        .set("kernel_regularizer", options_.kernel_regularizer.config())
        .set("bias_regularizer", options_.bias_regularizer.config());
    if (!options_.activity_regularizer) config.set("activity_regularizer", {});
    return config.set("kernel_constraint", options_.kernel_constraint.config())
        .set("bias_constraint", options_.bias_constraint.config());
  }

  Value call(Value x, CallContext& context) override {
    Value y = ops::einsum(equation_, op_support::to_floating(x), kernel_);
    if (!options_.bias_axes.empty()) y = y + bias_;
    y = options_.activation(y);
    detail::add_activity_loss(options_.activity_regularizer, y, context);
    return y;
  }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override {
    const int named = static_cast<int>(input_.size());
    if (left_ || right_) {
      detail::require_rank_from(inputs[0], named, "for '" + equation_ + "'");
    } else {
      detail::require_rank(inputs[0], named, "for '" + equation_ + "'");
    }
    const std::map<char, std::int64_t> sizes = sizes_for(inputs[0]);
    if (!built()) return;
    for (std::size_t i = 0; i < kernel_letters_.size(); ++i) {
      const auto size = sizes.find(kernel_letters_[i]);
      const std::int64_t made = kernel_.shape()[static_cast<int>(i)];
      if (size == sizes.end() || size->second == kUnknown || size->second == made) continue;
      throw InvalidArgument("its kernel has " + std::to_string(made) + " elements on axis '" + kernel_letters_[i] +
                            "', got " + std::to_string(size->second) + " in an input of shape " +
                            inputs[0].to_string());
    }
  }

  void build(const Shape& input) override {
    const std::map<char, std::int64_t> sizes = sizes_for(input);
    Shape kernel;
    for (char letter : kernel_letters_) kernel.push_back(known(sizes, letter));
    kernel_ = add_weight("kernel", kernel,
                         {.initializer = options_.kernel_initializer,
                          .regularizer = options_.kernel_regularizer,
                          .constraint = options_.kernel_constraint});
    if (options_.bias_axes.empty()) return;
    Shape bias;
    bool begun = false;
    for (char letter : output_) {
      const bool mine = options_.bias_axes.find(letter) != std::string::npos;
      begun = begun || mine;
      if (begun) bias.push_back(mine ? known(sizes, letter) : 1);
    }
    if (right_) {
      for (int i = static_cast<int>(input_.size()); i < input.rank(); ++i) bias.push_back(1);
    }
    bias_ = add_weight("bias", bias,
                       {.initializer = options_.bias_initializer,
                        .regularizer = options_.bias_regularizer,
                        .constraint = options_.bias_constraint});
  }

 private:
  // The size of each letter's axis, from the input and from output_shape.
  std::map<char, std::int64_t> sizes_for(const Shape& input) const {
    std::map<char, std::int64_t> sizes;
    const int elided = left_ ? input.rank() - static_cast<int>(input_.size()) : 0;
    for (std::size_t i = 0; i < input_.size(); ++i) sizes[input_[i]] = input[elided + static_cast<int>(i)];
    const std::size_t batch = left_ ? 0 : 1;
    for (std::size_t i = batch; i < output_.size(); ++i) {
      const std::int64_t size = output_shape_[static_cast<int>(i - batch)];
      if (size == kUnknown) continue;
      const auto [known, added] = sizes.emplace(output_[i], size);
      if (added || known->second == size) continue;
      if (known->second == kUnknown) {
        known->second = size;
        continue;
      }
      throw InvalidArgument("'" + std::string(1, output_[i]) + "' of '" + equation_ + "' has " + std::to_string(size) +
                            " elements in output_shape, and " + std::to_string(known->second) +
                            " in an input of shape " + input.to_string());
    }
    return sizes;
  }

  std::int64_t known(const std::map<char, std::int64_t>& sizes, char letter) const {
    const auto size = sizes.find(letter);
    if (size != sizes.end() && size->second != kUnknown) return size->second;
    throw InvalidArgument("the size of axis '" + std::string(1, letter) + "' of '" + equation_ +
                          "' must be known; give it in output_shape or in the Input");
  }

  std::string equation_;
  Shape output_shape_;
  EinsumDenseOptions options_;
  std::string input_, kernel_letters_, output_;  // letters without "..."
  bool left_ = false, right_ = false;            // where "..." stands
  Variable kernel_, bias_;
};

}  // namespace

EinsumDense::EinsumDense(std::string equation, Shape output_shape, EinsumDenseOptions options)
    : Layer(std::make_shared<EinsumDenseLayer>(std::move(equation), std::move(output_shape), std::move(options))) {}

Layer EinsumDense::from_config(ConfigReader& c) {
  const std::string equation = c.text("equation");
  const Shape output_shape = c.shape("output_shape");
  EinsumDenseOptions options{.activation = c.activation("activation"),
                             .bias_axes = {},
                             .kernel_initializer = c.initializer("kernel_initializer", "glorot_uniform"),
                             .bias_initializer = c.initializer("bias_initializer", "zeros"),
                             .kernel_regularizer = c.regularizer("kernel_regularizer"),
                             .bias_regularizer = c.regularizer("bias_regularizer"),
                             .kernel_constraint = c.constraint("kernel_constraint"),
                             .bias_constraint = c.constraint("bias_constraint"),
                             .activity_regularizer = c.regularizer("activity_regularizer"),
                             .name = c.name(),
                             .trainable = c.trainable()};
  const ConfigValue* axes = c.take("bias_axes");
  if (axes && !axes->is_null()) options.bias_axes = c.text("bias_axes");
  return EinsumDense(equation, output_shape, std::move(options));
}

}  // namespace keratin
