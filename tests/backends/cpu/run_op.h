// Runs one op on cpu:0 through a plan made by hand, and compares it with the reference backend's plain loops.
#pragma once

#include <any>
#include <string>
#include <vector>

#include "keratin/core/graph/op_def.h"
#include "keratin/core/runtime/plan.h"
#include "keratin/core/tensor/tensor.h"

namespace keratin::cpu_test {

// The op's outputs on cpu:0. Those of ops that write variables begin as `before`; others as garbage.
std::vector<Tensor> run_op(const OpDef& op, const std::any& attrs, const std::vector<Tensor>& inputs,
                           const std::vector<Tensor>& before = {});
// What the kernel says about itself.
std::string describe_op(const OpDef& op, const std::any& attrs, const std::vector<Tensor>& inputs);
bool supported(const OpDef& op, const std::any& attrs, const std::vector<Spec>& inputs,
               const std::vector<Spec>& outputs);

// Runs the op with 1, 2 and 3 threads, which must give the same bits, and returns the outputs.
std::vector<Tensor> run_on_threads(const OpDef& op, const std::any& attrs, const std::vector<Tensor>& inputs,
                                   const std::vector<Tensor>& before = {});
// The same, and the one output must be the reference backend's within `tolerance` (see expect_close).
void check_op(const OpDef& op, const std::any& attrs, const std::vector<Tensor>& inputs, double tolerance = 0);
// The op on the reference backend.
Tensor reference(const OpDef& op, const std::any& attrs, const std::vector<Tensor>& inputs);

// Numbers between low and high, the same in every run; integers are whole numbers, bool is 0 or 1.
Tensor random_tensor(Shape shape, DType dtype = DType::float32, double low = -2, double high = 2, int seed = 1);

// Equal shapes and dtypes; |a - b| <= tolerance * max(1, |b|); NaN equals NaN.
void expect_close(const Tensor& actual, const Tensor& expected, double tolerance);
void expect_same_bits(const Tensor& a, const Tensor& b);

// A number of threads for the rest of the scope.
class Threads {
 public:
  explicit Threads(int count);
  ~Threads();
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_;
};

}  // namespace keratin::cpu_test
