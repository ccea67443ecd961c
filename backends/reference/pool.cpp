// 2-D pooling and its gradients.
#include "keratin/core/ops/pool.h"

#include <cmath>
#include <limits>

#include "keratin/backends/reference/kernels.h"

namespace keratin::reference {
namespace {

// Calls f(iy, inside) for each y, with the numbers of the x inside its window, in row-major order, without the padding.
template <class F>
void for_each_window(const Pool2DAttrs& attrs, const Shape& x, const Shape& y, F f) {
  std::vector<std::size_t> inside;
  for (i64 n = 0; n < y[0]; ++n) {
    for (i64 oh = 0; oh < y[1]; ++oh) {
      for (i64 ow = 0; ow < y[2]; ++ow) {
        for (i64 c = 0; c < y[3]; ++c) {
          inside.clear();
          for (i64 kh = 0; kh < attrs.window[0]; ++kh) {
            for (i64 kw = 0; kw < attrs.window[1]; ++kw) {
              const i64 h = oh * attrs.strides[0] + kh - attrs.padding.before[0];
              const i64 w = ow * attrs.strides[1] + kw - attrs.padding.before[1];
              if (h < 0 || h >= x[1] || w < 0 || w >= x[2]) continue;
              inside.push_back(static_cast<std::size_t>(((n * x[1] + h) * x[2] + w) * x[3] + c));
            }
          }
          f(static_cast<std::size_t>(((n * y[1] + oh) * y[2] + ow) * y[3] + c), inside);
        }
      }
    }
  }
}

// The first maximum; the first NaN, if there is one.
std::size_t first_maximum(const std::vector<double>& x, const std::vector<std::size_t>& inside) {
  std::size_t best = inside.front();
  for (std::size_t i : inside) {
    if (x[i] > x[best] || (std::isnan(x[i]) && !std::isnan(x[best]))) best = i;
  }
  return best;
}

std::vector<double> zeros(const Array& array) { return std::vector<double>(static_cast<std::size_t>(array.size())); }

void max_pool2d(const std::any& any, Arrays in, Arrays out) {
  const auto x = in[0].load_all();
  auto y = zeros(out[0]);
  for_each_window(std::any_cast<const Pool2DAttrs&>(any), in[0].shape, out[0].shape, [&](std::size_t iy, auto& inside) {
    y[iy] = inside.empty() ? -std::numeric_limits<double>::infinity() : x[first_maximum(x, inside)];
  });
  out[0].store_all(y);
}

void max_pool2d_grad(const std::any& any, Arrays in, Arrays out) {
  const auto x = in[0].load_all(), dy = in[2].load_all();
  auto dx = zeros(out[0]);
  for_each_window(std::any_cast<const Pool2DAttrs&>(any), in[0].shape, in[1].shape, [&](std::size_t iy, auto& inside) {
    if (!inside.empty()) dx[first_maximum(x, inside)] += dy[iy];
  });
  out[0].store_all(dx);
}

// The number of x's element `ix` among all taps of the window of y's element `iy`, padding included.
i64 tap_of(const Pool2DAttrs& attrs, const Shape& x, const Shape& y, std::size_t ix, std::size_t iy) {
  const i64 pixel = static_cast<i64>(iy) / y[3], at = static_cast<i64>(ix) / x[3];
  const i64 kh = at / x[2] % x[1] - pixel / y[2] % y[1] * attrs.strides[0] + attrs.padding.before[0];
  const i64 kw = at % x[2] - pixel % y[2] * attrs.strides[1] + attrs.padding.before[1];
  return kh * attrs.window[1] + kw;
}

void max_pool2d_index(const std::any& any, Arrays in, Arrays out) {
  const auto& attrs = std::any_cast<const Pool2DAttrs&>(any);
  const auto x = in[0].load_all();
  auto y = zeros(out[0]), index = zeros(out[1]);
  for_each_window(attrs, in[0].shape, out[0].shape, [&](std::size_t iy, auto& inside) {
    const std::size_t best = first_maximum(x, inside);
    y[iy] = x[best];
    index[iy] = static_cast<double>(tap_of(attrs, in[0].shape, out[0].shape, best, iy));
  });
  out[0].store_all(y);
  out[1].store_all(index);
}

void max_pool2d_index_grad(const std::any& any, Arrays in, Arrays out) {
  const auto& attrs = std::any_cast<const MaxPool2DIndexGradAttrs&>(any).pool;
  const auto index = in[0].load_all(), dy = in[1].load_all();
  auto dx = zeros(out[0]);
  for_each_window(attrs, out[0].shape, in[1].shape, [&](std::size_t iy, auto& inside) {
    for (std::size_t ix : inside) {
      if (static_cast<double>(tap_of(attrs, out[0].shape, in[1].shape, ix, iy)) == index[iy]) dx[ix] += dy[iy];
    }
  });
  out[0].store_all(dx);
}

void average_pool2d(const std::any& any, Arrays in, Arrays out) {
  const auto x = in[0].load_all();
  auto y = zeros(out[0]);
  for_each_window(std::any_cast<const Pool2DAttrs&>(any), in[0].shape, out[0].shape, [&](std::size_t iy, auto& inside) {
    for (std::size_t ix : inside) y[iy] += x[ix];
    if (!inside.empty()) y[iy] /= static_cast<double>(inside.size());
  });
  out[0].store_all(y);
}

void average_pool2d_grad(const std::any& any, Arrays in, Arrays out) {
  const auto& attrs = std::any_cast<const AveragePool2DGradAttrs&>(any).pool;
  const auto dy = in[0].load_all();
  auto dx = zeros(out[0]);
  for_each_window(attrs, out[0].shape, in[0].shape, [&](std::size_t iy, auto& inside) {
    for (std::size_t ix : inside) dx[ix] += dy[iy] / static_cast<double>(inside.size());
  });
  out[0].store_all(dx);
}

}  // namespace

void add_pool(KernelTable& table) {
  table["max_pool2d"] = max_pool2d;
  table["max_pool2d_grad"] = max_pool2d_grad;
  table["max_pool2d_index"] = max_pool2d_index;
  table["max_pool2d_index_grad"] = max_pool2d_index_grad;
  table["average_pool2d"] = average_pool2d;
  table["average_pool2d_grad"] = average_pool2d_grad;
}

}  // namespace keratin::reference
