#include "keratin/core/model/activation.h"

#include "keratin/core/ops/activations.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/softmax.h"
#include "keratin/core/tensor/errors.h"

namespace keratin {
namespace {

struct Named {
  const char* name;
  Value (*function)(const Value& x);  // nullptr: linear
};
constexpr Named kNamed[] = {
    {"linear", nullptr},
    {"relu", [](const Value& x) { return ops::relu(x); }},
    {"sigmoid", [](const Value& x) { return ops::sigmoid(x); }},
    {"tanh", [](const Value& x) { return ops::tanh(x); }},
    {"softmax", [](const Value& x) { return ops::softmax(x); }},
    {"log_softmax", [](const Value& x) { return ops::log_softmax(x); }},
    {"leaky_relu", [](const Value& x) { return ops::leaky_relu(x); }},
    {"relu6", [](const Value& x) { return ops::relu6(x); }},
    {"elu", [](const Value& x) { return ops::elu(x); }},
    {"selu", [](const Value& x) { return ops::selu(x); }},
    {"celu", [](const Value& x) { return ops::celu(x); }},
    {"gelu", [](const Value& x) { return ops::gelu(x); }},
    {"silu", [](const Value& x) { return ops::silu(x); }},
    {"mish", [](const Value& x) { return ops::mish(x); }},
    {"softplus", [](const Value& x) { return ops::softplus(x); }},
    {"softsign", [](const Value& x) { return ops::softsign(x); }},
    {"exponential", [](const Value& x) { return ops::exp(x); }},
    {"hard_sigmoid", [](const Value& x) { return ops::hard_sigmoid(x); }},
    {"hard_silu", [](const Value& x) { return ops::hard_silu(x); }},
    {"hard_tanh", [](const Value& x) { return ops::hard_tanh(x); }},
    {"log_sigmoid", [](const Value& x) { return ops::log_sigmoid(x); }},
    {"glu", [](const Value& x) { return ops::glu(x); }},
    {"squareplus", [](const Value& x) { return ops::squareplus(x); }},
    {"tanh_shrink", [](const Value& x) { return ops::tanh_shrink(x); }},
    {"hard_shrink", [](const Value& x) { return ops::hard_shrink(x); }},
    {"soft_shrink", [](const Value& x) { return ops::soft_shrink(x); }},
    {"sparse_plus", [](const Value& x) { return ops::sparse_plus(x); }},
    {"sparse_sigmoid", [](const Value& x) { return ops::sparse_sigmoid(x); }},
    {"sparsemax", [](const Value& x) { return ops::sparsemax(x); }},
};
// The second name Keras has for the same function; files hold the first.
constexpr std::pair<const char*, const char*> kAliases[] = {{"swish", "silu"}, {"hard_swish", "hard_silu"}};

}  // namespace

ActivationFunction::ActivationFunction() = default;
ActivationFunction::ActivationFunction(const ActivationFunction&) = default;
ActivationFunction::ActivationFunction(ActivationFunction&&) noexcept = default;
ActivationFunction& ActivationFunction::operator=(const ActivationFunction&) = default;
ActivationFunction& ActivationFunction::operator=(ActivationFunction&&) noexcept = default;
ActivationFunction::~ActivationFunction() = default;
ActivationFunction::ActivationFunction(const char* name) : ActivationFunction(std::string(name)) {}
ActivationFunction::ActivationFunction(Function function, std::string name)
    : function_(std::move(function)), name_(std::move(name)) {}

Value ActivationFunction::operator()(const Value& x) const { return function_ ? function_(x) : x; }

ActivationFunction::ActivationFunction(const std::string& name) {
  std::string wanted = name;
  for (const auto& [alias, meant] : kAliases) {
    if (name == alias) wanted = meant;
  }
  for (const Named& named : kNamed) {
    if (wanted != named.name) continue;
    if (named.function != nullptr) function_ = named.function;
    name_ = wanted;
    return;
  }
  throw InvalidArgument("unknown activation '" + name + "'" + did_you_mean(name, names()));
}

std::vector<std::string> ActivationFunction::names() {
  std::vector<std::string> result;
  for (const Named& named : kNamed) result.emplace_back(named.name);
  for (const auto& [alias, meant] : kAliases) result.emplace_back(alias);
  return result;
}

}  // namespace keratin
