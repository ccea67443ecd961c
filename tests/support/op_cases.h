// The op table: rows that say how an op is used; tests run each of them on every device (tests/core/ops/op_table_test).
#pragma once

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "keratin/core/graph/node.h"
#include "keratin/core/ops/ops.h"

namespace keratin::testing {

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();
inline constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// An input of a row: random numbers, the same in every run, unless `values` are given.
struct Operand {
  Shape shape = {};
  DType dtype = DType::float32;
  double low = -2, high = 2;        // integers: low <= x < high; bool: by half
  std::vector<double> values = {};  // row-major
  bool differentiate = true;        // when floating: whether the gradient for it is checked
  bool in_device_memory = false;    // the graph gets the address of the data: int64 (1,)
};

// What a row computes from its inputs.
struct OpGraph {
  Values outputs = {};
  std::vector<NodePtr> updates = {};  // their new variables count as outputs
};

struct OpCase {
  std::string name;
  std::vector<Operand> inputs = {};
  // Inputs that are float32 in the row come as `floating` (float32 or float64), and so should variables be made.
  std::function<OpGraph(const Values& in, DType floating)> build;
  // |difference| <= tolerance * (1 + |reference|), for float32 results against float64 ones.
  double tolerance = 2e-6;
  bool differentiate = true;        // devices are compared in the gradient
  bool finite_differences = true;   // which is checked against finite differences
  bool differentiate_twice = true;  // and so is the gradient of the gradient
};

// The rows by family: "unary", "matmul", ...
const std::vector<std::string>& op_families();
std::vector<OpCase> op_cases(const std::string& family);

std::vector<OpCase> unary_cases();
std::vector<OpCase> binary_cases();
std::vector<OpCase> activation_cases();
std::vector<OpCase> matmul_cases();
std::vector<OpCase> conv_cases();
std::vector<OpCase> pool_cases();
std::vector<OpCase> reduce_cases();
std::vector<OpCase> shaping_cases();
std::vector<OpCase> softmax_cases();
std::vector<OpCase> gather_cases();
std::vector<OpCase> random_cases();
std::vector<OpCase> sorting_cases();
std::vector<OpCase> scan_cases();
std::vector<OpCase> recurrent_cases();
std::vector<OpCase> fused_cases();
std::vector<OpCase> update_cases();

}  // namespace keratin::testing
