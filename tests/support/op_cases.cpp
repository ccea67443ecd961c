#include "tests/support/op_cases.h"

#include "keratin/core/tensor/errors.h"

namespace keratin::testing {
namespace {

struct Family {
  std::string name;
  std::vector<OpCase> (*cases)();
};

const std::vector<Family>& families() {
  static const std::vector<Family> all = {
      {"unary", unary_cases},        {"binary", binary_cases},   {"activation", activation_cases},
      {"matmul", matmul_cases},      {"conv", conv_cases},       {"pool", pool_cases},
      {"reduce", reduce_cases},      {"shaping", shaping_cases}, {"softmax", softmax_cases},
      {"gather", gather_cases},      {"random", random_cases},   {"scan", scan_cases},
      {"update", update_cases},      {"sorting", sorting_cases}, {"fused", fused_cases},
      {"recurrent", recurrent_cases}};
  return all;
}

}  // namespace

const std::vector<std::string>& op_families() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> result;
    for (const Family& family : families()) result.push_back(family.name);
    return result;
  }();
  return names;
}

std::vector<OpCase> op_cases(const std::string& family) {
  for (const Family& candidate : families()) {
    if (candidate.name == family) return candidate.cases();
  }
  throw InvalidArgument("the op table has no family '" + family + "'" + did_you_mean(family, op_families()));
}

}  // namespace keratin::testing
