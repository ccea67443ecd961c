#include "keratin/core/ops/registry.h"

#include <set>

#include "keratin/core/ops/ops.h"

namespace keratin {
namespace {

TEST(Registry, EveryOpIsComplete) {
  std::set<std::string_view> names;
  for (const OpDef* op : all_ops()) {
    EXPECT_FALSE(op->name.empty());
    EXPECT_TRUE(names.insert(op->name).second) << op->name << " is listed twice";
    EXPECT_NE(op->describe, nullptr) << op->name;
    EXPECT_NE(op->infer, nullptr) << op->name;
    EXPECT_EQ(find_op(op->name), op);
    EXPECT_EQ(op->written != nullptr, op->effect == Effect::writes) << op->name;
  }
  EXPECT_EQ(find_op("matmull"), nullptr);
}

// Backends may lack kernels for these, and their kernels are tested against this definition.
TEST(Registry, FusedOpsAreDefinedByOthers) {
  for (const OpDef* op :
       {&kMatMulFused, &kConv2DFused, &kConv2DNormalized, &kSoftmax, &kSoftmaxGrad, &kLogSoftmax, &kLogSoftmaxGrad,
        &kSparseCrossentropy, &kSparseCrossentropyGrad, &kReluGrad, &kSigmoidGrad, &kTanhGrad, &kDropout, &kSgdUpdate,
        &kAdamUpdate, &kRmspropUpdate, &kStopGradient, &kMean, &kAdvance}) {
    EXPECT_NE(op->decompose, nullptr) << op->name;
  }
}

}  // namespace
}  // namespace keratin
