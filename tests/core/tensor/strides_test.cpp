#include "keratin/core/tensor/detail/strides.h"

#include <gtest/gtest.h>

namespace keratin {
namespace {

using Sizes = std::vector<std::int64_t>;

TEST(Strides, OfRowMajorArrays) {
  EXPECT_EQ(row_major_strides({2, 3, 4}), (Sizes{12, 4, 1}));
  EXPECT_EQ(row_major_strides({}), Sizes{});
}

TEST(Strides, AreZeroWhereAnArrayIsRepeated) {
  EXPECT_EQ(broadcast_strides({3, 1}, {2, 3, 4}), (Sizes{0, 1, 0}));
  EXPECT_EQ(broadcast_strides({2, 3}, {2, 3}), (Sizes{3, 1}));
  EXPECT_FALSE(broadcast_strides({2}, {3}));
  EXPECT_FALSE(broadcast_strides({1, 3}, {3}));
}

TEST(Strides, AxesJoinWhereEveryOperandAllowsIt) {
  const auto one = join_axes({2, 1, 3, 4}, {{12, 12, 4, 1}, {0, 0, 0, 0}});
  ASSERT_EQ(one.size(), 1u);
  EXPECT_EQ(one[0].size, 24);
  EXPECT_EQ(one[0].stride[0], 1);
  EXPECT_EQ(one[0].stride[1], 0);
  const auto two = join_axes({2, 3, 4}, {{12, 4, 1}, {0, 4, 1}});  // the second operand repeats along the first axis
  ASSERT_EQ(two.size(), 2u);
  EXPECT_EQ(two[0].size, 2);
  EXPECT_EQ(two[1].size, 12);
  EXPECT_TRUE(join_axes({1, 1}, {{1, 1}}).empty());
}

}  // namespace
}  // namespace keratin
