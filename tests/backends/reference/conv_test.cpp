#include "keratin/core/ops/conv.h"

#include "tests/backends/reference/fixture.h"

namespace keratin::testing {
namespace {

class ReferenceConv : public ReferenceTest {
 protected:
  Tensor conv(const Tensor& x, const Tensor& kernel, Shape y, const Conv2DAttrs& attrs = {}) {
    return run("conv2d", attrs, {x, kernel}, {std::move(y), DType::float64});
  }
};

// Images written as in a picture: one image, one channel.
TEST_F(ReferenceConv, SlidesWithoutFlipping) {
  const Tensor x = ramp({1, 3, 3, 1}), kernel = doubles({2, 2, 1, 1}, {1, 10, 100, 1000});
  // 1*1 + 2*10 + 4*100 + 5*1000, ...
  expect_values(conv(x, kernel, {1, 2, 2, 1}), {5421, 6532, 8754, 9865});
}

TEST_F(ReferenceConv, PaddingStridesAndDilation) {
  const Tensor x = ramp({1, 3, 3, 1}), kernel = doubles({2, 2, 1, 1}, {1, 10, 100, 1000});
  Conv2DAttrs attrs{.strides = {2, 2}, .padding = {.before = {1, 0}, .after = {0, 1}}};
  // Windows start at rows -1 and 1, columns 0 and 2.
  expect_values(conv(x, kernel, {1, 2, 2, 1}, attrs), {2100, 300, 8754, 906});
  attrs = {.dilation = {2, 1}};
  expect_values(conv(x, kernel, {1, 1, 2, 1}, attrs), {8721, 9832});
}

TEST_F(ReferenceConv, ChannelsFiltersAndBatch) {
  // 1x1 images: y = x · kernel over channels.
  expect_values(conv(ramp({2, 1, 1, 2}), ramp({1, 1, 2, 3}), {2, 1, 1, 3}), {9, 12, 15, 19, 26, 33});
}

TEST_F(ReferenceConv, GroupsSeeTheirOwnChannels) {
  // Channels 0, 1 belong to filters 0, 1 and channels 2, 3 to filters 2, 3.   kernel: (1, 1, 2, 4)
  const Tensor kernel = doubles({1, 1, 2, 4}, {1, 2, 3, 4, 10, 20, 30, 40});
  expect_values(conv(ramp({1, 1, 1, 4}), kernel, {1, 1, 1, 4}, {.groups = 2}), {21, 42, 129, 172});
}

// sum(dy * conv(x, kernel)) is bilinear, so differences of it are its derivatives exactly.
TEST_F(ReferenceConv, GradientsAreDifferences) {
  const Conv2DAttrs attrs{
      .strides = {2, 1}, .padding = {.before = {1, 0}, .after = {1, 1}}, .dilation = {1, 2}, .groups = 2};
  const Shape y_shape{2, 2, 2, 4};
  const Tensor x = ramp({2, 3, 3, 2}, -3, 0.5), kernel = ramp({3, 2, 1, 4}, 2, -0.25), dy = ramp(y_shape, 1, 0.75);
  auto loss = [&](const Tensor& image, const Tensor& filter) {
    const Tensor y = conv(image, filter, y_shape, attrs);
    double sum = 0;
    for (std::size_t i = 0; i < y.values<double>().size(); ++i) sum += y.values<double>()[i] * dy.values<double>()[i];
    return sum;
  };
  const Tensor dx =
      run("conv2d_input_grad", Conv2DInputGradAttrs{attrs, x.shape()}, {dy, kernel}, {x.shape(), DType::float64});
  const Tensor dkernel = run("conv2d_kernel_grad", Conv2DKernelGradAttrs{attrs, kernel.shape()}, {x, dy},
                             {kernel.shape(), DType::float64});
  const double here = loss(x, kernel);
  for (std::size_t i = 0; i < dx.values<double>().size(); ++i) {
    Tensor moved = x.clone();
    moved.values<double>()[i] += 1;
    EXPECT_NEAR(loss(moved, kernel) - here, dx.values<double>()[i], 1e-9) << "x " << i;
  }
  for (std::size_t i = 0; i < dkernel.values<double>().size(); ++i) {
    Tensor moved = kernel.clone();
    moved.values<double>()[i] += 1;
    EXPECT_NEAR(loss(x, moved) - here, dkernel.values<double>()[i], 1e-9) << "kernel " << i;
  }
}

}  // namespace
}  // namespace keratin::testing
