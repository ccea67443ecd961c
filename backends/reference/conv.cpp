// 2-D convolution and its gradients. The result is linear in x and in the kernel, so one enumeration of the products
// x·kernel that each y is a sum of serves all three directions.
#include "keratin/core/ops/conv.h"

#include "keratin/backends/reference/kernels.h"

namespace keratin::reference {
namespace {

// Calls f(ix, ik, iy) for every product: y[iy] is the sum of x[ix] * kernel[ik].
template <class F>
void for_each_product(const Conv2DAttrs& attrs, const Shape& x, const Shape& kernel, const Shape& y, F f) {
  const i64 channels = kernel[2], filters = kernel[3], filters_of_group = filters / attrs.groups;
  for (i64 n = 0; n < y[0]; ++n) {
    for (i64 oh = 0; oh < y[1]; ++oh) {
      for (i64 ow = 0; ow < y[2]; ++ow) {
        for (i64 kh = 0; kh < kernel[0]; ++kh) {
          for (i64 kw = 0; kw < kernel[1]; ++kw) {
            const i64 h = oh * attrs.strides[0] + kh * attrs.dilation[0] - attrs.padding.before[0];
            const i64 w = ow * attrs.strides[1] + kw * attrs.dilation[1] - attrs.padding.before[1];
            if (h < 0 || h >= x[1] || w < 0 || w >= x[2]) continue;
            for (i64 c = 0; c < channels; ++c) {
              for (i64 o = 0; o < filters; ++o) {
                const i64 group = o / filters_of_group;
                const i64 ix = ((n * x[1] + h) * x[2] + w) * x[3] + group * channels + c;
                const i64 ik = ((kh * kernel[1] + kw) * channels + c) * filters + o;
                const i64 iy = ((n * y[1] + oh) * y[2] + ow) * filters + o;
                f(static_cast<std::size_t>(ix), static_cast<std::size_t>(ik), static_cast<std::size_t>(iy));
              }
            }
          }
        }
      }
    }
  }
}

std::vector<double> zeros(const Array& array) { return std::vector<double>(static_cast<std::size_t>(array.size())); }

void conv2d(const std::any& any, Arrays in, Arrays out) {
  const auto& attrs = std::any_cast<const Conv2DAttrs&>(any);
  const auto x = in[0].load_all(), kernel = in[1].load_all();
  auto y = zeros(out[0]);
  for_each_product(attrs, in[0].shape, in[1].shape, out[0].shape,
                   [&](std::size_t ix, std::size_t ik, std::size_t iy) { y[iy] += x[ix] * kernel[ik]; });
  out[0].store_all(y);
}

void conv2d_input_grad(const std::any& any, Arrays in, Arrays out) {
  const auto& attrs = std::any_cast<const Conv2DInputGradAttrs&>(any).conv;
  const auto dy = in[0].load_all(), kernel = in[1].load_all();
  auto dx = zeros(out[0]);
  for_each_product(attrs, out[0].shape, in[1].shape, in[0].shape,
                   [&](std::size_t ix, std::size_t ik, std::size_t iy) { dx[ix] += dy[iy] * kernel[ik]; });
  out[0].store_all(dx);
}

void conv2d_kernel_grad(const std::any& any, Arrays in, Arrays out) {
  const auto& attrs = std::any_cast<const Conv2DKernelGradAttrs&>(any).conv;
  const auto x = in[0].load_all(), dy = in[1].load_all();
  auto dkernel = zeros(out[0]);
  for_each_product(attrs, in[0].shape, out[0].shape, in[1].shape,
                   [&](std::size_t ix, std::size_t ik, std::size_t iy) { dkernel[ik] += dy[iy] * x[ix]; });
  out[0].store_all(dkernel);
}

}  // namespace

void add_conv(KernelTable& table) {
  table["conv2d"] = conv2d;
  table["conv2d_input_grad"] = conv2d_input_grad;
  table["conv2d_kernel_grad"] = conv2d_kernel_grad;
}

}  // namespace keratin::reference
