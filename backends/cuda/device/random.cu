#include "keratin/backends/cuda/device/random.h"

#include "keratin/backends/cuda/device/typed.h"
#include "keratin/backends/cuda/device/vector.h"

namespace keratin::cuda {
namespace {

static_assert(kPack == 4, "a pack takes the words of one Philox block");

struct Uniform {
  std::uint64_t key;
  const i64* step;
  float* y;
  i64 n;
  KERATIN_HOST_DEVICE void operator()(i64 block) const {
    const PhiloxBlock words = philox_at(key, static_cast<std::uint64_t>(*step), static_cast<std::uint64_t>(block));
    const i64 begin = block * kPack;
    for (i64 i = begin; i < n && i < begin + kPack; ++i) y[i] = uniform_from_bits(words.x[i - begin]);
  }
};

template <class T>
struct Dropout {
  std::uint64_t key;
  T rate, scale;
  const T* x;
  const i64* step;
  T* y;
  i64 n;
  KERATIN_HOST_DEVICE T drop(T value, std::uint32_t word) const {
    return static_cast<T>(uniform_from_bits(word)) >= rate ? value * scale : T{0};
  }
  KERATIN_HOST_DEVICE void operator()(i64 block) const {
    const PhiloxBlock words = philox_at(key, static_cast<std::uint64_t>(*step), static_cast<std::uint64_t>(block));
    const i64 begin = block * kPack;
    if (begin + kPack <= n) {
      Pack<T> values = load_pack(x + begin);
      for (i64 i = 0; i < kPack; ++i) values.at[i] = drop(values.at[i], words.x[i]);
      store_pack(y + begin, values);
    } else {
      for (i64 i = begin; i < n; ++i) y[i] = drop(x[i], words.x[i - begin]);
    }
  }
};

}  // namespace

void random_uniform(Stream stream, std::uint64_t key, const i64* step, float* y, i64 n) {
  for_each(stream, packs(n), Uniform{key, step, y, n});
}

void dropout(Stream stream, DType dtype, std::uint64_t key, double rate, const void* x, const i64* step, void* y,
             i64 n) {
  for_float(dtype, [&]<class T>() {
    // The CPU's arithmetic, in the element's type: the same bits. With rate 1 nothing is kept.
    const T r = static_cast<T>(rate), scale = T{1} / (T{1} - r);
    for_each(stream, packs(n), Dropout<T>{key, r, scale, as<T>(x), step, as<T>(y), n});
  });
}

}  // namespace keratin::cuda
