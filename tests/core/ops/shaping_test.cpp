#include "keratin/core/ops/shaping.h"

#include "keratin/core/graph/leaves.h"
#include "keratin/core/tensor/errors.h"
#include "tests/support/expect_error.h"

namespace keratin {
namespace {

using testing::expect_error;

Value of(Shape shape, DType dtype = DType::float32) { return input_value("x", {std::move(shape), dtype}); }

TEST(Shaping, ReshapeInfersOneSize) {
  const Value x = of({4, 6});
  EXPECT_EQ(ops::reshape(x, {2, -1}).shape(), (Shape{2, 12}));
  EXPECT_EQ(ops::reshape(x, {24}).shape(), (Shape{24}));
  EXPECT_EQ(ops::reshape(x, {4, 6}), x);
  EXPECT_EQ(ops::reshape(of({kUnknown, 784}), {-1, 28, 28}).shape(), (Shape{kUnknown, 28, 28}));
  EXPECT_EQ(ops::reshape(of({0, 5}), {-1, 5}).shape(), (Shape{0, 5}));
  expect_error<InvalidArgument>([&] { ops::reshape(x, {5, -1}); }, {"reshape: ", "(4, 6)", "(5, None)"});
  expect_error<InvalidArgument>([&] { ops::reshape(x, {-1, -1}); }, {"only one size"});
  expect_error<InvalidArgument>([&] { ops::reshape(x, {-3, 8}); }, {"negative size -3"});
  expect_error<InvalidArgument>([] { ops::reshape(of({0, 5}), {0, -1}); }, {"reshape: "});
}

TEST(Shaping, TransposePermutes) {
  const Value x = of({2, 3, 5});
  EXPECT_EQ(ops::transpose(x, {2, 0, 1}).shape(), (Shape{5, 2, 3}));
  EXPECT_EQ(ops::transpose(x, {0, -1, 1}).shape(), (Shape{2, 5, 3}));
  EXPECT_EQ(ops::transpose(x, {0, 1, 2}), x);
  expect_error<InvalidArgument>([&] { ops::transpose(x, {0, 1}); }, {"transpose: ", "[0, 1]", "(2, 3, 5)"});
  expect_error<InvalidArgument>([&] { ops::transpose(x, {0, 1, 1}); }, {"no permutation"});
  expect_error<InvalidArgument>([&] { ops::transpose(x, {0, 1, 3}); }, {"axis 3"});
}

TEST(Shaping, BroadcastToGrowsOnly) {
  EXPECT_EQ(ops::broadcast_to(of({3, 1}), {2, 3, 4}).shape(), (Shape{2, 3, 4}));
  expect_error<InvalidArgument>([] { ops::broadcast_to(of({3, 4}), {3, 1}); }, {"(3, 4)", "(3, 1)"});
  expect_error<InvalidArgument>([] { ops::broadcast_to(of({3}), {4}); }, {"broadcast_to: "});
  expect_error<InvalidArgument>([] { ops::broadcast_to(of({3}), {-1, 3}); }, {"known sizes"});
}

TEST(Shaping, ConcatenateAndStack) {
  EXPECT_EQ(ops::concatenate({of({2, 3}), of({2, 5})}).shape(), (Shape{2, 8}));
  EXPECT_EQ(ops::concatenate({of({2, 3}), of({0, 3})}, 0).shape(), (Shape{2, 3}));
  EXPECT_EQ(ops::concatenate({of({2}, DType::int32), of({2}, DType::float32)}).dtype(), DType::float32);
  EXPECT_EQ(ops::concatenate({of({kUnknown, 3}), of({kUnknown, 5})}).shape(), (Shape{kUnknown, 8}));
  EXPECT_EQ(ops::stack({of({2, 3}), of({2, 3})}, 1).shape(), (Shape{2, 2, 3}));
  EXPECT_EQ(ops::stack({of({}), of({}), of({})}).shape(), (Shape{3}));
  EXPECT_EQ(ops::stack({of({2}), of({2})}, -1).shape(), (Shape{2, 2}));
  expect_error<InvalidArgument>(
      [] {
        ops::concatenate({of({2, 3}), of({3, 3})});
      },
      {"concatenate: ", "(2, 3)", "(3, 3)", "axes but 1"});
  expect_error<InvalidArgument>([] { ops::concatenate({of({2, 3}), of({2})}, 0); }, {"(2,)"});
  expect_error<InvalidArgument>([] { ops::concatenate({}); }, {"nothing to concatenate"});
  expect_error<InvalidArgument>([] { ops::stack({}); }, {"nothing to stack"});
  expect_error<InvalidArgument>([] { ops::concatenate({of({2})}, 1); }, {"axis 1"});
}

TEST(Shaping, SliceStaysInside) {
  const Value x = of({4, 6});
  EXPECT_EQ(ops::slice(x, {1, 2}, {2, 3}).shape(), (Shape{2, 3}));
  EXPECT_EQ(ops::slice(x, {1, 2}, {-1, -1}).shape(), (Shape{3, 4}));
  EXPECT_EQ(ops::slice(x, {4, 0}, {0, -1}).shape(), (Shape{0, 6}));
  EXPECT_EQ(ops::slice(x, {0, 0}, {4, 6}), x);
  expect_error<InvalidArgument>([&] { ops::slice(x, {3, 0}, {2, 1}); }, {"slice: ", "[3, 0]", "[2, 1]", "(4, 6)"});
  expect_error<InvalidArgument>([&] { ops::slice(x, {-1, 0}, {1, 1}); }, {"outside"});
  expect_error<InvalidArgument>([&] { ops::slice(x, {0}, {1}); }, {"one number for each axis"});
}

TEST(Shaping, SplitAndPad) {
  const Values parts = ops::split(of({2, 6}), 3);
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(parts[2].shape(), (Shape{2, 2}));
  EXPECT_EQ(ops::split(of({kUnknown, 6}), 2)[0].shape(), (Shape{kUnknown, 3}));
  expect_error<InvalidArgument>([] { ops::split(of({2, 6}), 4); }, {"split: ", "4 equal parts"});
  expect_error<InvalidArgument>([] { ops::split(of({2, 6}), 0); }, {"0 equal parts"});
  EXPECT_EQ(ops::pad(of({2, 3}), {1, 0}, {0, 2}).shape(), (Shape{3, 5}));
  const Value x = of({2, 3});
  EXPECT_EQ(ops::pad(x, {0, 0}, {0, 0}), x);
  expect_error<InvalidArgument>([&] { ops::pad(x, {-1, 0}, {0, 0}); }, {"pad: ", "negative"});
  expect_error<InvalidArgument>([&] { ops::pad(x, {1}, {1}); }, {"one number for each axis"});
}

TEST(Shaping, AxesComeAndGo) {
  EXPECT_EQ(ops::expand_dims(of({2, 3}), -1).shape(), (Shape{2, 3, 1}));
  EXPECT_EQ(ops::expand_dims(of({2, 3}), 0).shape(), (Shape{1, 2, 3}));
  EXPECT_EQ(ops::expand_dims(of({kUnknown, 3}), 1).shape(), (Shape{kUnknown, 1, 3}));
  EXPECT_EQ(ops::squeeze(of({2, 1, 3}), 1).shape(), (Shape{2, 3}));
  EXPECT_EQ(ops::squeeze(of({kUnknown, 1}), -1).shape(), (Shape{kUnknown}));
  expect_error<InvalidArgument>([] { ops::squeeze(of({2, 3}), 0); }, {"squeeze: axis 0", "(2, 3)"});
  expect_error<InvalidArgument>([] { ops::expand_dims(of({2}), 3); }, {"expand_dims: axis 3"});
  EXPECT_EQ(ops::flatten(of({2, 3, 5})).shape(), (Shape{2, 15}));
  EXPECT_EQ(ops::flatten(of({2})).shape(), (Shape{2, 1}));
  EXPECT_EQ(ops::flatten(of({0, 3, 5})).shape(), (Shape{0, 15}));
  EXPECT_EQ(ops::flatten(of({2, kUnknown, 5})).shape(), (Shape{2, kUnknown}));
  expect_error<InvalidArgument>([] { ops::flatten(of({})); }, {"flatten: "});
}

TEST(Shaping, RepeatAndFill) {
  EXPECT_EQ(ops::repeat(of({2, 3}), 2, 1).shape(), (Shape{2, 6}));
  EXPECT_EQ(ops::repeat(of({kUnknown, 3}), 2, 1).shape(), (Shape{kUnknown, 6}));
  EXPECT_EQ(ops::repeat(of({kUnknown, 3}), 2, 0).shape(), (Shape{kUnknown, 3}));
  expect_error<InvalidArgument>([] { ops::repeat(of({2}), 0, 0); }, {"repeat: times", "got 0"});
  EXPECT_EQ(ops::iota({2, 3}, -1).spec(), (Spec{{2, 3}, DType::int32}));
  expect_error<InvalidArgument>([] { ops::iota({2, 3}, 2); }, {"iota: axis 2"});
  expect_error<InvalidArgument>([] { ops::iota({2, -1}, 0); }, {"known sizes"});
  for (Shape shape : {Shape{2, 3}, Shape{kUnknown, 3}}) {
    EXPECT_EQ(ops::zeros_like(of(shape, DType::int32)).spec(), (Spec{shape, DType::int32}));
    EXPECT_EQ(ops::ones_like(of(shape, DType::float64)).spec(), (Spec{shape, DType::float64}));
  }
}

TEST(Shaping, AttributesAreToldApart) {
  EXPECT_NE(kReshape.describe(ReshapeAttrs{{2, 3}}), kReshape.describe(ReshapeAttrs{{3, 2}}));
  EXPECT_NE(kTranspose.describe(TransposeAttrs{{0, 1}}), kTranspose.describe(TransposeAttrs{{1, 0}}));
  EXPECT_NE(kBroadcastTo.describe(BroadcastToAttrs{{2}}), kBroadcastTo.describe(BroadcastToAttrs{{3}}));
  EXPECT_NE(kConcatenate.describe(ConcatenateAttrs{0}), kConcatenate.describe(ConcatenateAttrs{1}));
  EXPECT_NE(kSlice.describe(SliceAttrs{{0, 1}, {1, 1}}), kSlice.describe(SliceAttrs{{0, 1}, {1, 2}}));
  EXPECT_NE(kPad.describe(PadAttrs{{0}, {1}}), kPad.describe(PadAttrs{{1}, {0}}));
  EXPECT_NE(kPad.describe(PadAttrs{{0}, {1}, 0.1}), kPad.describe(PadAttrs{{0}, {1}, 0.2}));
  EXPECT_NE(kIota.describe(IotaAttrs{{2}, 0, DType::int32}), kIota.describe(IotaAttrs{{2}, 0, DType::int64}));
  EXPECT_NE(kIota.describe(IotaAttrs{{2, 2}, 0}), kIota.describe(IotaAttrs{{2, 2}, 1}));
}

}  // namespace
}  // namespace keratin
