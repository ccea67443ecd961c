#include "keratin/core/model/regularizers.h"

#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/matmul.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/tensor/errors.h"

namespace keratin {
namespace {

constexpr const char* kModule = "keras.regularizers";

Regularizer by_name(const std::string& name) {
  if (name == "l1" || name == "L1") return regularizers::L1();
  if (name == "l2" || name == "L2") return regularizers::L2();
  // The factor of the class is 0, which would be no regulariser at all; the name means the two others together.
  if (name == "l1_l2" || name == "l1l2" || name == "L1L2") return regularizers::L1L2(0.01, 0.01);
  if (name == "orthogonal_regularizer" || name == "OrthogonalRegularizer") return regularizers::OrthogonalRegularizer();
  throw InvalidArgument("unknown regularizer '" + name + "'" +
                        did_you_mean(name, {"l1", "l2", "l1_l2", "orthogonal_regularizer"}));
}

}  // namespace

Regularizer::Regularizer() = default;
Regularizer::Regularizer(const Regularizer&) = default;
Regularizer::Regularizer(Regularizer&&) noexcept = default;
Regularizer& Regularizer::operator=(const Regularizer&) = default;
Regularizer& Regularizer::operator=(Regularizer&&) noexcept = default;
Regularizer::~Regularizer() = default;

Regularizer::Regularizer(const char* name) : Regularizer(by_name(name)) {}

namespace regularizers {

Regularizer L1(double l1) {
  Config config(kModule, "L1");
  config.set("l1", l1);
  return Regularizer([l1](const Value& weight) { return ops::sum(ops::abs(weight)) * l1; }, std::move(config));
}

Regularizer L2(double l2) {
  Config config(kModule, "L2");
  config.set("l2", l2);
  return Regularizer([l2](const Value& weight) { return ops::sum(ops::square(weight)) * l2; }, std::move(config));
}

Regularizer L1L2(double l1, double l2) {
  Config config(kModule, "L1L2");
  config.set("l1", l1).set("l2", l2);
  auto penalty = [l1, l2](const Value& weight) {
    return ops::sum(ops::abs(weight)) * l1 + ops::sum(ops::square(weight)) * l2;
  };
  return Regularizer(penalty, std::move(config));
}

Regularizer OrthogonalRegularizer(double factor, const std::string& mode) {
  if (!(factor >= 0)) {
    throw InvalidArgument("OrthogonalRegularizer: factor must not be negative, got " + format_number(factor));
  }
  if (mode != "rows" && mode != "columns") {
    throw InvalidArgument("OrthogonalRegularizer: mode must be 'rows' or 'columns', got '" + mode + "'" +
                          did_you_mean(mode, {"rows", "columns"}));
  }
  Config config(kModule, "OrthogonalRegularizer");
  config.set("factor", factor).set("mode", mode);
  auto penalty = [factor, rows = mode == "rows"](const Value& weight) {
    if (weight.rank() != 2) {
      throw InvalidArgument("OrthogonalRegularizer: expected a matrix, got a weight of shape " +
                            weight.shape().to_string());
    }
    const Value squares = ops::sum(ops::square(weight), {rows ? 1 : 0}, true);
    const Value unit = weight * ops::rsqrt(ops::maximum(squares, 1e-14));  // Keras's floor for the norm: 1e-7
    const Value products = ops::matmul(unit, unit, {.transpose_a = !rows, .transpose_b = rows});
    // The diagonal is 1 for every vector that is not 0.
    const double size = static_cast<double>(products.shape()[0]);
    const Value others = ops::sum(ops::abs(products)) - ops::sum(ops::square(unit));
    return size < 2 ? others * 0.0 : others * (factor / (size * (size - 1)));
  };
  return Regularizer(penalty, std::move(config));
}

}  // namespace regularizers

}  // namespace keratin
