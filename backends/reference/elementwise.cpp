// Element-wise ops and copies: element i of the result from elements i of the operands, which broadcast.
#include <algorithm>
#include <cmath>

#include "keratin/backends/reference/kernels.h"
#include "keratin/backends/reference/walk.h"

namespace keratin::reference {
namespace {

// Integer arithmetic wraps, as on every machine; in C++ only unsigned arithmetic may.
std::uint64_t bits(i64 x) { return static_cast<std::uint64_t>(x); }
i64 integer(std::uint64_t x) { return static_cast<i64>(x); }

template <class F>
Kernel unary(F f) {
  return [f](const std::any&, Arrays in, Arrays out) {
    for (i64 i = 0, n = out[0].size(); i < n; ++i) out[0].store(i, f(in[0].load(i)));
  };
}

// For ops that integers have too: those are computed as integers, exactly.
template <class F, class G>
Kernel unary(F floating, G integral) {
  return [floating, integral](const std::any& attrs, Arrays in, Arrays out) {
    if (in[0].floating()) return unary(floating)(attrs, in, out);
    for (i64 i = 0, n = out[0].size(); i < n; ++i) out[0].store_integer(i, integral(in[0].load_integer(i)));
  };
}

template <class F, class G>
Kernel binary(F floating, G integral) {
  return [floating, integral](const std::any&, Arrays in, Arrays out) {
    const Walk a = broadcast_walk(in[0].shape, out[0].shape), b = broadcast_walk(in[1].shape, out[0].shape);
    for (i64 i = 0, n = out[0].size(); i < n; ++i) {
      if (in[0].floating()) {
        out[0].store(i, floating(in[0].load(a(i)), in[1].load(b(i))));
      } else {
        out[0].store_integer(i, integral(in[0].load_integer(a(i)), in[1].load_integer(b(i))));
      }
    }
  };
}
template <class F>
Kernel compare(F f) {
  return binary(f, f);
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

// -1, 0, 1, and NaN for NaN.
double sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : x; }

// As in NumPy, NaN wins.
double maximum(double a, double b) { return a > b || std::isnan(a) ? a : b; }
double minimum(double a, double b) { return a < b || std::isnan(a) ? a : b; }

void copy(const std::any&, Arrays in, Arrays out) { copy_all(in[0], out[0]); }

void cast(const std::any&, Arrays in, Arrays out) {
  for (i64 i = 0, n = out[0].size(); i < n; ++i) {
    if (in[0].floating()) {
      out[0].store(i, in[0].load(i));
    } else if (out[0].dtype == DType::boolean) {
      out[0].store_integer(i, in[0].load_integer(i) != 0);
    } else {
      out[0].store_integer(i, in[0].load_integer(i));
    }
  }
}

void where(const std::any&, Arrays in, Arrays out) {
  const Walk condition = broadcast_walk(in[0].shape, out[0].shape);
  const Walk a = broadcast_walk(in[1].shape, out[0].shape), b = broadcast_walk(in[2].shape, out[0].shape);
  for (i64 i = 0, n = out[0].size(); i < n; ++i) {
    if (in[0].load_integer(condition(i))) {
      copy_element(in[1], a(i), out[0], i);
    } else {
      copy_element(in[2], b(i), out[0], i);
    }
  }
}

}  // namespace

void add_elementwise(KernelTable& table) {
  table["negative"] = unary([](double x) { return -x; }, [](i64 x) { return integer(0 - bits(x)); });
  table["abs"] = unary([](double x) { return std::abs(x); }, [](i64 x) { return x < 0 ? integer(0 - bits(x)) : x; });
  table["square"] = unary([](double x) { return x * x; }, [](i64 x) { return integer(bits(x) * bits(x)); });
  table["sign"] = unary(sign, [](i64 x) { return i64{x > 0} - i64{x < 0}; });
  table["sqrt"] = unary([](double x) { return std::sqrt(x); });
  table["rsqrt"] = unary([](double x) { return 1 / std::sqrt(x); });
  table["reciprocal"] = unary([](double x) { return 1 / x; });
  table["exp"] = unary([](double x) { return std::exp(x); });
  table["expm1"] = unary([](double x) { return std::expm1(x); });
  table["log"] = unary([](double x) { return std::log(x); });
  table["log1p"] = unary([](double x) { return std::log1p(x); });
  table["sin"] = unary([](double x) { return std::sin(x); });
  table["cos"] = unary([](double x) { return std::cos(x); });
  table["tanh"] = unary([](double x) { return std::tanh(x); });
  table["sigmoid"] = unary(sigmoid);
  table["softplus"] = unary(softplus);
  table["erf"] = unary([](double x) { return std::erf(x); });
  table["arctan"] = unary([](double x) { return std::atan(x); });
  table["relu"] = unary([](double x) { return x < 0 ? 0 : x; });
  table["floor"] = unary([](double x) { return std::floor(x); });
  table["ceil"] = unary([](double x) { return std::ceil(x); });
  table["round"] = unary([](double x) { return std::nearbyint(x); });  // ties to even: the default rounding mode
  table["isfinite"] = unary([](double x) { return std::isfinite(x); });
  table["isnan"] = unary([](double x) { return std::isnan(x); });
  table["logical_not"] = unary([](double x) { return x == 0; });

  table["add"] =
      binary([](double a, double b) { return a + b; }, [](i64 a, i64 b) { return integer(bits(a) + bits(b)); });
  table["subtract"] =
      binary([](double a, double b) { return a - b; }, [](i64 a, i64 b) { return integer(bits(a) - bits(b)); });
  table["multiply"] =
      binary([](double a, double b) { return a * b; }, [](i64 a, i64 b) { return integer(bits(a) * bits(b)); });
  // Integers are divided as floats (ops::divide), so that zero needs no special case here.
  table["divide"] = binary([](double a, double b) { return a / b; },
                           [](i64 a, i64 b) { return truncate(static_cast<double>(a) / static_cast<double>(b)); });
  table["power"] =
      binary([](double a, double b) { return std::pow(a, b); },
             [](i64 a, i64 b) { return truncate(std::pow(static_cast<double>(a), static_cast<double>(b))); });
  table["maximum"] = binary(maximum, [](i64 a, i64 b) { return std::max(a, b); });
  table["minimum"] = binary(minimum, [](i64 a, i64 b) { return std::min(a, b); });
  table["equal"] = compare([](auto a, auto b) { return a == b; });
  table["not_equal"] = compare([](auto a, auto b) { return a != b; });
  table["less"] = compare([](auto a, auto b) { return a < b; });
  table["less_equal"] = compare([](auto a, auto b) { return a <= b; });
  table["greater"] = compare([](auto a, auto b) { return a > b; });
  table["greater_equal"] = compare([](auto a, auto b) { return a >= b; });
  table["logical_and"] = compare([](auto a, auto b) { return a != 0 && b != 0; });
  table["logical_or"] = compare([](auto a, auto b) { return a != 0 || b != 0; });

  table["where"] = where;
  table["cast"] = cast;
  table["stop_gradient"] = copy;
  table["reshape"] = copy;
  table["assign"] = copy;
}

}  // namespace keratin::reference
