// The CPU's products and convolutions beside oneDNN's, on one thread in one process: each in float32, ours from plain
// arrays, oneDNN's in the fastest of several layouts whose conversion is not counted. A line of JSON for each kernel.
// ./dev bench --onednn
#include <array>
#include <cstdio>
#include <cstring>
#include <dnnl.hpp>
#include <optional>
#include <string>
#include <unordered_map>

#include "by_turns.h"

namespace {

using namespace keratin::cpu;
using namespace keratin::benchmarks;
using dnnl::memory;
using keratin::WindowShape;
using Tag = memory::format_tag;
using Arguments = std::unordered_map<int, memory>;

struct Library {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
};
Library& library() {
  static Library the_library;
  return the_library;
}

memory::desc layout(const memory::dims& dims, Tag tag) { return {dims, memory::data_type::f32, tag}; }

// Numbers in another layout than theirs.
memory converted(Numbers& from, const memory::dims& dims, Tag tag, const memory::desc& to) {
  memory plain(layout(dims, tag), library().engine, from.data()), result(to, library().engine);
  dnnl::reorder(plain, result).execute(library().stream, plain, result);
  library().stream.wait();
  return result;
}
void read(memory from, Numbers& to, const memory::dims& dims, Tag tag) {
  memory plain(layout(dims, tag), library().engine, to.data());
  dnnl::reorder(from, plain).execute(library().stream, from, plain);
  library().stream.wait();
}

// The fastest of oneDNN's ways so far, and ours beside it.
struct Best {
  Times times;
  std::string way;
  bool right = true;

  void add(const Times& t, const std::string& name, bool agrees) {
    times.ours = std::min(times.ours, t.ours);
    if (t.other < times.other) {
      times.other = t.other;
      way = name;
    }
    right = right && agrees;
  }
};

bool all_right = true;

void report(const std::string& name, double flops, const Best& best) {
  all_right = all_right && best.right;
  std::printf(R"({"kernel":"%s","ours":%.2f,"onednn":%.2f,"way":"%s","agree":%s})"
              "\n",
              name.c_str(), flops * 1e-9 / best.times.ours, flops * 1e-9 / best.times.other, best.way.c_str(),
              best.right ? "true" : "false");
  std::fflush(stdout);
}

// ---- products
// --------------------------------------------------------------------------------------------------------

// `kept`: B is the same in many products, and ours packs it before as well.
void product(const std::string& name, i64 m, i64 n, i64 k, bool trans_a, bool trans_b, bool kept = false) {
  GemmShape shape = plain_product(m, n, k, trans_a, trans_b);
  Numbers a = numbers(m * k, 1), b = numbers(k * n, 2), c(static_cast<std::size_t>(m * n)), d = c;
  std::vector<char> workspace(simd().f32.gemm_workspace(shape));
  const float* ours_b = b.data();
  Numbers ours_packed(kept ? simd().f32.gemm_packed_bytes(shape) / sizeof(float) : 0);
  if (!ours_packed.empty()) {
    simd().f32.gemm_pack(shape, b.data(), ours_packed.data());
    ours_b = ours_packed.data();
    shape.packed_b = true;
  }
  const auto ours = [&] {
    simd().f32.gemm(shape, a.data(), ours_b, c.data(), nullptr, Activation::none, workspace.data());
  };
  Best best;
  const Times plain = compare(ours, [&] {
    dnnl::sgemm(trans_a ? 'T' : 'N', trans_b ? 'T' : 'N', m, n, k, 1.0f, a.data(), shape.lda, b.data(), shape.ldb, 0.0f,
                d.data(), n);
  });
  best.add(plain, "sgemm", agree(c, d, k));

  Library& lib = library();
  const Tag a_tag = trans_a ? Tag::ba : Tag::ab, b_tag = trans_b ? Tag::ba : Tag::ab;
  const memory::desc a_layout = layout({m, k}, a_tag), c_layout = layout({m, n}, Tag::ab);
#if DNNL_VERSION_MAJOR >= 3
  const dnnl::matmul::primitive_desc description(lib.engine, a_layout, layout({k, n}, Tag::any), c_layout);
#else
  const dnnl::matmul::primitive_desc description(dnnl::matmul::desc(a_layout, layout({k, n}, Tag::any), c_layout),
                                                 lib.engine);
#endif
  const dnnl::matmul primitive(description);
  const Arguments arguments{{DNNL_ARG_SRC, memory(a_layout, lib.engine, a.data())},
                            {DNNL_ARG_WEIGHTS, converted(b, {k, n}, b_tag, description.weights_desc())},
                            {DNNL_ARG_DST, memory(c_layout, lib.engine, d.data())}};
  const Times packed = compare(ours, [&] {
    primitive.execute(lib.stream, arguments);
    lib.stream.wait();
  });
  best.add(packed, "matmul, weights packed before", agree(c, d, k));
  report(name, 2.0 * static_cast<double>(m * n * k), best);
}

// ---- convolutions
// ----------------------------------------------------------------------------------------------------

struct Geometry {
  memory::dims x, kernel, y, strides, before, after;
};

enum class Direction { forward, input, kernel };

// Primitive and arguments of one direction; `tag`: of the images, nhwc or any.
struct Prepared {
  dnnl::primitive primitive;
  Arguments arguments;
  memory result;

  Prepared(Direction direction, const Geometry& g, Tag tag, Numbers& x, Numbers& kernel, Numbers& dy) {
    Library& lib = library();
    const memory::desc xs = layout(g.x, tag), ks = layout(g.kernel, Tag::any), ys = layout(g.y, tag);
    const auto training = dnnl::prop_kind::forward_training;
    const auto direct = dnnl::algorithm::convolution_direct;
    using Forward = dnnl::convolution_forward;
    using ToInput = dnnl::convolution_backward_data;
    using ToKernel = dnnl::convolution_backward_weights;
#if DNNL_VERSION_MAJOR >= 3
    const Forward::primitive_desc forward(lib.engine, training, direct, xs, ks, ys, g.strides, g.before, g.after);
#else
    const Forward::primitive_desc forward({training, direct, xs, ks, ys, g.strides, g.before, g.after}, lib.engine);
#endif
    const auto images = [&](Numbers& from, const memory::dims& dims, const memory::desc& to) {
      return converted(from, dims, Tag::nhwc, to);
    };
    if (direction == Direction::forward) {
      primitive = Forward(forward);
      result = memory(forward.dst_desc(), lib.engine);
      arguments = {{DNNL_ARG_SRC, images(x, g.x, forward.src_desc())},
                   {DNNL_ARG_WEIGHTS, converted(kernel, g.kernel, Tag::hwio, forward.weights_desc())},
                   {DNNL_ARG_DST, result}};
    } else if (direction == Direction::input) {
#if DNNL_VERSION_MAJOR >= 3
      const ToInput::primitive_desc back(lib.engine, direct, xs, ks, ys, g.strides, g.before, g.after, forward);
#else
      const ToInput::primitive_desc back({direct, xs, ks, ys, g.strides, g.before, g.after}, lib.engine, forward);
#endif
      primitive = ToInput(back);
      result = memory(back.diff_src_desc(), lib.engine);
      arguments = {{DNNL_ARG_DIFF_DST, images(dy, g.y, back.diff_dst_desc())},
                   {DNNL_ARG_WEIGHTS, converted(kernel, g.kernel, Tag::hwio, back.weights_desc())},
                   {DNNL_ARG_DIFF_SRC, result}};
    } else {
#if DNNL_VERSION_MAJOR >= 3
      const ToKernel::primitive_desc back(lib.engine, direct, xs, ks, ys, g.strides, g.before, g.after, forward);
#else
      const ToKernel::primitive_desc back({direct, xs, ks, ys, g.strides, g.before, g.after}, lib.engine, forward);
#endif
      primitive = ToKernel(back);
      result = memory(back.diff_weights_desc(), lib.engine);
      arguments = {{DNNL_ARG_DIFF_DST, images(dy, g.y, back.diff_dst_desc())},
                   {DNNL_ARG_SRC, images(x, g.x, back.src_desc())},
                   {DNNL_ARG_DIFF_WEIGHTS, result}};
    }
  }
  void run() const {
    primitive.execute(library().stream, arguments);
    library().stream.wait();
  }
};

struct Convolution {
  std::string name;
  i64 size, c, f, taps, stride;
  bool padded, first;  // first: of the model, so that nobody needs its input's gradient
};

void convolution(const Convolution& conv) {
  constexpr i64 kImages = 32;
  const i64 out = conv.padded ? (conv.size + conv.stride - 1) / conv.stride : (conv.size - conv.taps) / conv.stride + 1;
  const i64 padding = conv.padded ? std::max<i64>(0, (out - 1) * conv.stride + conv.taps - conv.size) : 0;
  const i64 before = padding / 2, after = padding - before;
  WindowShape s{.n = kImages, .h = conv.size, .w = conv.size, .c = conv.c, .kh = conv.taps, .kw = conv.taps};
  s.oh = s.ow = out;
  s.f = conv.f;
  s.stride_h = s.stride_w = conv.stride;
  s.pad_top = s.pad_left = before;
  const Geometry geometry{{s.n, s.c, s.h, s.w},       {s.f, s.c, s.kh, s.kw}, {s.n, s.f, s.oh, s.ow},
                          {conv.stride, conv.stride}, {before, before},       {after, after}};
  Numbers x = numbers(s.n * s.h * s.w * s.c, 1), kernel = numbers(s.kh * s.kw * s.c * s.f, 2),
          dy = numbers(s.n * out * out * s.f, 3);
  std::vector<char> workspace(simd().f32.conv_workspace(s));
  const FloatKernels<float>& own = simd().f32;
  const double flops = 2.0 * static_cast<double>(s.n * out * out * s.f * s.kh * s.kw * s.c);

  const auto measure = [&](Direction direction, const std::string& name, Numbers& result, const memory::dims& dims,
                           Tag plain, i64 depth, const std::function<void()>& ours) {
    Best best;
    for (const auto& [tag, way] : {std::pair{Tag::nhwc, "nhwc"}, std::pair{Tag::any, "its own layout"}}) {
      const Prepared prepared(direction, geometry, tag, x, kernel, dy);
      const Times times = compare(ours, [&] { prepared.run(); });
      Numbers theirs(result.size());
      read(prepared.result, theirs, dims, plain);
      best.add(times, way, agree(result, theirs, depth));
    }
    report(name, flops, best);
  };
  Numbers y(dy.size()), dx(x.size()), dk(kernel.size());
  measure(Direction::forward, conv.name, y, geometry.y, Tag::nhwc, s.kh * s.kw * s.c, [&] {
    own.conv_forward(s, 0, s.n, x.data(), kernel.data(), nullptr, Activation::none, y.data(), workspace.data());
  });
  if (!conv.first) {
    measure(Direction::input, "its input's gradient", dx, geometry.x, Tag::nhwc, s.kh * s.kw * s.f,
            [&] { own.conv_input_gradient(s, 0, s.n, dy.data(), kernel.data(), dx.data(), workspace.data()); });
  }
  measure(Direction::kernel, "its kernel's gradient", dk, geometry.kernel, Tag::hwio, s.n * out * out, [&] {
    std::fill(dk.begin(), dk.end(), 0.0f);  // it adds
    own.conv_kernel_gradient(s, 0, s.n, x.data(), dy.data(), dk.data(), workspace.data());
  });
}

}  // namespace

int main() {
  std::printf(R"({"onednn":"%d.%d.%d","isa":"%s"})"
              "\n",
              dnnl_version()->major, dnnl_version()->minor, dnnl_version()->patch, simd().name);
  product("MLP: 128x784, 784x128", 128, 128, 784, false, false);
  product("its kernel's gradient", 784, 128, 128, true, false);
  product("MLP, CNN: 128x128, 128x10", 128, 10, 128, false, false);
  product("its input's gradient", 128, 128, 10, false, true);
  product("its kernel's gradient", 128, 10, 128, true, false);
  product("CNN: 128x1600, 1600x128", 128, 128, 1600, false, false);
  product("its input's gradient", 128, 1600, 128, false, true);
  product("its kernel's gradient", 1600, 128, 128, true, false);
  product("wide MLP: 128x1024, 1024x1024", 128, 1024, 1024, false, false);
  product("its input's gradient", 128, 1024, 1024, false, true);
  product("its kernel's gradient", 1024, 1024, 128, true, false);
  product("LSTM, a step: 128x128, 128x512", 128, 512, 128, false, false, true);
  product("its state's gradient", 128, 128, 512, false, true, true);
  for (const Convolution& conv : {
           Convolution{"CNN: 3x3, 28x28x1 to 32", 28, 1, 32, 3, 1, false, true},
           {"CNN: 3x3, 13x13x32 to 64", 13, 32, 64, 3, 1, false, false},
           {"ResNet-20: 3x3, 32x32x3 to 16", 32, 3, 16, 3, 1, true, true},
           {"ResNet-20: 3x3, 32x32x16 to 16", 32, 16, 16, 3, 1, true, false},
           {"ResNet-20: 3x3, 32x32x16 to 32, stride 2", 32, 16, 32, 3, 2, true, false},
           {"ResNet-20: 3x3, 16x16x32 to 32", 16, 32, 32, 3, 1, true, false},
           {"ResNet-20: 3x3, 16x16x32 to 64, stride 2", 16, 32, 64, 3, 2, true, false},
           {"ResNet-20: 3x3, 8x8x64 to 64", 8, 64, 64, 3, 1, true, false},
       }) {
    convolution(conv);
  }
  return all_right ? 0 : 1;
}
