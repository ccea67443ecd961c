#include "keratin/core/ops/elementwise.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/backends/cpu/run_op.h"

namespace keratin {
namespace {

using namespace cpu_test;

const Shape kLarge{300000};  // several chunks of any kernel

TEST(CpuUnary, FunctionsOfFloats) {
  const std::pair<const OpDef*, std::pair<double, double>> cases[] = {
      {&kNegative, {-3, 3}},  {&kAbs, {-3, 3}},  {&kSquare, {-3, 3}}, {&kSqrt, {0, 9}},     {&kRsqrt, {0.1, 9}},
      {&kReciprocal, {1, 4}}, {&kExp, {-5, 5}},  {&kExpm1, {-1, 1}},  {&kLog, {0.01, 9}},   {&kLog1p, {-0.9, 9}},
      {&kSin, {-9, 9}},       {&kCos, {-9, 9}},  {&kTanh, {-4, 4}},   {&kSigmoid, {-9, 9}}, {&kSoftplus, {-9, 9}},
      {&kErf, {-3, 3}},       {&kRelu, {-3, 3}}, {&kFloor, {-3, 3}},  {&kCeil, {-3, 3}},    {&kRound, {-3, 3}},
      {&kSign, {-3, 3}}};
  for (const auto& [op, range] : cases) {
    check_op(*op, {}, {random_tensor({7, 9}, DType::float32, range.first, range.second)}, 1e-6);
    check_op(*op, {}, {random_tensor({65}, DType::float64, range.first, range.second)}, 1e-12);
  }
  check_op(kExp, {}, {random_tensor(kLarge)}, 1e-6);
  check_op(kNegative, {}, {Tensor({0, 3})});
  check_op(kAbs, {}, {random_tensor({})});
}

TEST(CpuUnary, IntegersAndTests) {
  for (const DType dtype : {DType::int32, DType::int64, DType::uint8}) {
    const Tensor x = random_tensor({101}, dtype, dtype == DType::uint8 ? 0 : -11, 15);
    for (const OpDef* op : {&kNegative, &kAbs, &kSquare, &kSign}) check_op(*op, {}, {x});
    EXPECT_FALSE(supported(kExp, {}, {{{2}, dtype}}, {{{2}, dtype}}));
  }
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const Tensor special({5}, {1.0f, kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN(), 0.0f});
  check_op(kIsFinite, {}, {special});
  check_op(kIsNan, {}, {special});
  check_op(kIsNan, {}, {special.astype(DType::float64)});
  check_op(kLogicalNot, {}, {random_tensor(kLarge, DType::boolean)});
}

TEST(CpuUnary, GradientsFromResults) {
  const std::pair<const OpDef*, double (*)(double dy, double y)> cases[] = {
      {&kReluGrad, [](double dy, double y) { return y > 0 ? dy : 0; }},
      {&kSigmoidGrad, [](double dy, double y) { return dy * y * (1 - y); }},
      {&kTanhGrad, [](double dy, double y) { return dy * (1 - y * y); }}};
  for (const auto& [op, formula] : cases) {
    for (const DType dtype : {DType::float32, DType::float64}) {
      const Tensor dy = random_tensor({200000}, dtype), y = random_tensor({200000}, dtype, -1, 1, 2);
      const Tensor a = dy.astype(DType::float64), b = y.astype(DType::float64);
      Tensor expected({200000}, DType::float64);
      for (std::size_t i = 0; i < 200000; ++i) {
        expected.values<double>()[i] = formula(a.values<double>()[i], b.values<double>()[i]);
      }
      expect_close(run_on_threads(*op, {}, {dy, y}).at(0), expected.astype(dtype), 1e-6);
    }
  }
}

const OpDef* const kArithmetic[] = {&kAdd, &kSubtract, &kMultiply, &kMaximum, &kMinimum};
const OpDef* const kComparisons[] = {&kEqual, &kNotEqual, &kLess, &kLessEqual, &kGreater, &kGreaterEqual};

// Every way two operands can meet: equal, scalars, rows, columns, both sides broadcast, axes in between.
const std::pair<Shape, Shape> kMeetings[] = {{{6, 5}, {6, 5}},
                                             {{6, 5}, {}},
                                             {{}, {6, 5}},
                                             {{6, 5}, {1, 1}},
                                             {{6, 5}, {5}},
                                             {{5}, {6, 5}},
                                             {{6, 5}, {6, 1}},
                                             {{6, 1}, {6, 5}},
                                             {{6, 1}, {1, 5}},
                                             {{1, 5}, {6, 1}},
                                             {{2, 3, 4}, {2, 1, 4}},
                                             {{2, 3, 4}, {3, 1}},
                                             {{2, 1, 4}, {3, 1}},
                                             {{2, 3, 4}, {1, 3, 4}},
                                             {{0, 4}, {1, 4}},
                                             {{2, 3, 4, 5}, {2, 1, 4, 1}},
                                             {{3, 4, 2, 2}, {4, 1, 1}}};

TEST(CpuBinary, BroadcastsLikeNumPy) {
  for (const auto& [a, b] : kMeetings) {
    SCOPED_TRACE(a.to_string() + " and " + b.to_string());
    for (const OpDef* op : kArithmetic)
      check_op(*op, {}, {random_tensor(a), random_tensor(b, DType::float32, -2, 2, 2)}, 1e-6);
    check_op(kDivide, {}, {random_tensor(a), random_tensor(b, DType::float32, 1, 3, 2)}, 1e-6);
    check_op(kPower, {}, {random_tensor(a, DType::float64, 1, 3), random_tensor(b, DType::float64, -2, 2, 2)}, 1e-12);
    check_op(kLess, {}, {random_tensor(a, DType::int32, 0, 4), random_tensor(b, DType::int32, 0, 4, 2)});
    check_op(kLogicalOr, {}, {random_tensor(a, DType::boolean), random_tensor(b, DType::boolean, 0, 1, 2)});
  }
}

TEST(CpuBinary, AllDtypes) {
  for (const DType dtype : {DType::float32, DType::float64, DType::int32, DType::int64, DType::uint8, DType::boolean}) {
    const Tensor a = random_tensor({4, 70}, dtype, 0, 9), b = random_tensor({4, 70}, dtype, 0, 9, 2);
    for (const OpDef* op : kComparisons) check_op(*op, {}, {a, b});
    if (dtype == DType::boolean) {
      EXPECT_FALSE(supported(kAdd, {}, {{{2}, dtype}, {{2}, dtype}}, {{{2}, dtype}}));
      continue;
    }
    for (const OpDef* op : kArithmetic) check_op(*op, {}, {a, b}, 1e-6);
  }
  check_op(kLogicalAnd, {}, {random_tensor({77}, DType::boolean), random_tensor({77}, DType::boolean, 0, 1, 2)});
}

TEST(CpuBinary, LargeOperandsOnThreads) {
  check_op(kAdd, {}, {random_tensor(kLarge), random_tensor(kLarge)}, 1e-6);
  check_op(kMultiply, {}, {random_tensor({1000, 300}), random_tensor({300})}, 1e-6);
  check_op(kSubtract, {}, {random_tensor({1000, 300}), random_tensor({1000, 1})}, 1e-6);
  check_op(kDivide, {}, {random_tensor({3, 100000}), random_tensor({3, 1}, DType::float32, 1, 2)}, 1e-6);
}

TEST(CpuBinary, RefusesWhatDoesNotFit) {
  const Spec row{{5}, DType::float32};
  EXPECT_TRUE(supported(kAdd, {}, {row, row}, {row}));
  EXPECT_FALSE(supported(kAdd, {}, {row, {{5}, DType::float64}}, {row}));
  EXPECT_FALSE(supported(kAdd, {}, {row, {{4}, DType::float32}}, {row}));
  EXPECT_FALSE(supported(kAdd, {}, {row}, {row}));
  EXPECT_FALSE(supported(kDivide, {}, {{{5}, DType::int32}, {{5}, DType::int32}}, {{{5}, DType::int32}}));
}

TEST(CpuWhere, ChoosesWithBroadcasting) {
  const std::vector<Shape> cases[] = {{{6, 5}, {6, 5}, {6, 5}}, {{6, 5}, {6, 5}, {}},    {{6, 5}, {}, {6, 5}},
                                      {{6, 5}, {}, {}},         {{6, 1}, {6, 5}, {}},    {{5}, {6, 5}, {6, 1}},
                                      {{}, {2, 1, 3}, {4, 1}},  {{2, 1, 3}, {4, 1}, {1}}};
  for (const auto& shapes : cases) {
    for (const DType dtype : {DType::float32, DType::float64, DType::int32, DType::uint8}) {
      check_op(kWhere, {},
               {random_tensor(shapes[0], DType::boolean), random_tensor(shapes[1], dtype, 0, 9),
                random_tensor(shapes[2], dtype, 0, 9, 2)});
    }
  }
  check_op(kWhere, {}, {random_tensor(kLarge, DType::boolean), random_tensor(kLarge), random_tensor({})});
}

TEST(CpuCast, EveryPair) {
  const DType all[] = {DType::float32, DType::float64, DType::int32, DType::int64, DType::uint8, DType::boolean};
  for (const DType from : all) {
    for (const DType to : all) check_op(kCast, CastAttrs{to}, {random_tensor({77}, from, 0, 100)}, 1e-6);
  }
  check_op(kCast, CastAttrs{DType::float32}, {random_tensor(kLarge, DType::uint8, 0, 256)});
  EXPECT_FALSE(supported(kCast, CastAttrs{DType::int32}, {{{2}, DType::float32}}, {{{2}, DType::float32}}));
  EXPECT_FALSE(supported(kCast, {}, {{{2}, DType::float32}}, {{{2}, DType::int32}}));
}

}  // namespace
}  // namespace keratin
