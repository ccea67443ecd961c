#include "keratin/core/model/variable.h"

#include "keratin/core/graph/leaves.h"
#include "keratin/core/model/naming.h"
#include "keratin/core/tensor/errors.h"

namespace keratin {

Variable::Variable() = default;
Variable::Variable(const Variable&) = default;
Variable::Variable(Variable&&) noexcept = default;
Variable& Variable::operator=(const Variable&) = default;
Variable& Variable::operator=(Variable&&) noexcept = default;
Variable::~Variable() = default;

Variable::Variable(std::string path, Shape shape, VariableOptions options) {
  if (!shape.is_known()) {
    throw InvalidArgument("variable " + path + ": its shape " + shape.to_string() +
                          " has unknown sizes; build the layer on an input whose features are known");
  }
  auto initialize = [initializer = options.initializer, shape, dtype = options.dtype, seed = next_seed()] {
    return initializer(shape, dtype, seed);
  };
  auto state = std::make_shared<VariableState>(std::move(path), shape, options.dtype, std::move(initialize));
  Value read_value = read(state);
  data_ = std::make_shared<const Data>(Data{std::move(state), std::move(read_value), options.trainable,
                                            std::move(options.regularizer), std::move(options.constraint)});
}

const VariablePtr& Variable::state() const {
  if (!data_) throw InvalidArgument("an empty Variable was used; a layer's weights are made when it is built");
  return data_->state;
}

Variable::operator Value() const {
  state();
  return data_->read;
}

std::string Variable::name() const { return path().substr(path().rfind('/') + 1); }

}  // namespace keratin
