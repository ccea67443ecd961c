// Rows of matrix products, convolutions and pooling.
#include "tests/support/op_cases.h"

namespace keratin::testing {

std::vector<OpCase> matmul_cases() {
  std::vector<OpCase> rows;
  struct Sizes {
    std::string name;
    std::int64_t m, k, n;
  };
  for (const Sizes& s : std::vector<Sizes>{{"", 4, 3, 5},
                                           {"_one", 1, 1, 1},
                                           {"_row", 1, 9, 7},
                                           {"_column", 8, 9, 1},
                                           {"_outer", 6, 1, 5},
                                           {"_odd", 17, 33, 19},
                                           {"_panels", 67, 130, 45}}) {
    for (int flags = 0; flags < 4; ++flags) {
      const MatMulAttrs attrs{(flags & 1) != 0, (flags & 2) != 0};
      rows.push_back(
          {.name = "matmul" + s.name + (attrs.transpose_a ? "_ta" : "") + (attrs.transpose_b ? "_tb" : ""),
           .inputs = {{attrs.transpose_a ? Shape{s.k, s.m} : Shape{s.m, s.k}, DType::float32, -1, 1},
                      {attrs.transpose_b ? Shape{s.n, s.k} : Shape{s.k, s.n}, DType::float32, -1, 1}},
           .build = [attrs](const Values& in, DType) -> OpGraph { return {{ops::matmul(in[0], in[1], attrs)}}; },
           .tolerance = 1e-5});
    }
  }
  struct Batch {
    std::string name;
    Shape a, b;
    bool transpose_a = false, transpose_b = false;
  };
  for (const Batch& s : std::vector<Batch>{{"rows", {3, 4, 5}, {5, 2}},
                                           {"rows_tb", {3, 4, 5}, {2, 5}, false, true},
                                           {"rows_ta", {3, 5, 4}, {5, 2}, true, false},
                                           {"equal", {3, 4, 5}, {3, 5, 2}},
                                           {"equal_ta_tb", {3, 5, 4}, {3, 2, 5}, true, true},
                                           {"broadcast", {2, 1, 4, 5}, {3, 5, 2}},
                                           {"broadcast_ta", {2, 1, 5, 4}, {3, 5, 2}, true, false},
                                           {"broadcast_tb", {2, 1, 4, 5}, {3, 2, 5}, false, true},
                                           {"matrix_first", {4, 5}, {3, 5, 2}}}) {
    const MatMulAttrs attrs{s.transpose_a, s.transpose_b};
    rows.push_back(
        {.name = "matmul_batch_" + s.name,
         .inputs = {{s.a}, {s.b}},
         .build = [attrs](const Values& in, DType) -> OpGraph { return {{ops::matmul(in[0], in[1], attrs)}}; },
         .tolerance = 1e-5});
  }
  for (const auto& [name, a, b] : std::vector<std::tuple<std::string, Shape, Shape>>{
           {"no_rows", {0, 3}, {3, 2}}, {"no_inner", {4, 0}, {0, 2}}, {"no_batch", {0, 4, 3}, {3, 2}}}) {
    rows.push_back({.name = "matmul_" + name,
                    .inputs = {{a}, {b}},
                    .build = [](const Values& in, DType) -> OpGraph { return {{ops::matmul(in[0], in[1])}}; },
                    .differentiate = false});
  }
  for (int flags = 0; flags < 16; ++flags) {
    const MatMulFusedAttrs attrs{(flags & 1) != 0, (flags & 2) != 0, (flags & 4) != 0,
                                 (flags & 8) ? FusedActivation::relu : FusedActivation::none};
    std::vector<Operand> inputs = {{attrs.transpose_a ? Shape{13, 9} : Shape{9, 13}},
                                   {attrs.transpose_b ? Shape{21, 13} : Shape{13, 21}}};
    if (attrs.bias) inputs.push_back({{21}});
    rows.push_back(
        {.name = "matmul_fused_" + std::to_string(flags),
         .inputs = inputs,
         .build = [attrs](const Values& in, DType) -> OpGraph { return {{apply1(kMatMulFused, attrs, in)}}; },
         .tolerance = 1e-5,
         .differentiate = false});
  }
  rows.push_back({.name = "matmul_fused_relu_of_nan",
                  .inputs = {{{3, 4}, DType::float32, 0, 0, {1, 2, 3, 4, kNan, 1, 1, 1, -1, -2, -3, -4}},
                             {{4, 5}, DType::float32, 0.5, 1},
                             {{5}}},
                  .build = [](const Values& in, DType) -> OpGraph {
                    return {{apply1(kMatMulFused, MatMulFusedAttrs{false, false, true, FusedActivation::relu}, in)}};
                  },
                  .tolerance = 1e-5,
                  .differentiate = false});
  return rows;
}

namespace {

struct ConvSizes {
  std::string name;
  Shape x, kernel;
  Conv2DAttrs attrs = {};
};

const std::vector<ConvSizes>& conv_sizes() {
  static const std::vector<ConvSizes> all = {
      {"valid", {2, 6, 5, 3}, {3, 3, 3, 4}},
      {"same", {2, 5, 6, 2}, {3, 3, 2, 5}, {.padding = {{1, 1}, {1, 1}}}},
      {"even_kernel", {1, 5, 4, 2}, {2, 4, 2, 3}, {.padding = {{0, 1}, {1, 2}}}},
      {"strides", {2, 7, 8, 3}, {3, 2, 3, 4}, {.strides = {2, 3}}},
      {"strides_leave_pixels", {1, 8, 9, 2}, {3, 3, 2, 3}, {.strides = {3, 4}}},
      {"strides_padding", {2, 7, 6, 2}, {3, 3, 2, 4}, {.strides = {2, 2}, .padding = {{1, 0}, {1, 1}}}},
      {"dilation", {1, 8, 7, 2}, {3, 2, 2, 3}, {.dilation = {2, 3}}},
      {"dilation_padding", {1, 6, 6, 2}, {3, 3, 2, 3}, {.padding = {{2, 2}, {2, 2}}, .dilation = {2, 2}}},
      {"groups", {2, 5, 5, 4}, {3, 3, 2, 6}, {.groups = 2}},
      {"depthwise", {1, 5, 6, 3}, {3, 3, 1, 3}, {.padding = {{1, 1}, {1, 1}}, .groups = 3}},
      {"depthwise_multiplier", {1, 5, 4, 3}, {2, 2, 1, 6}, {.strides = {2, 1}, .groups = 3}},
      {"depthwise_large", {2, 40, 40, 8}, {3, 3, 1, 8}, {.padding = {{1, 1}, {1, 1}}, .groups = 8}},
      {"pointwise", {2, 4, 5, 7}, {1, 1, 7, 9}},
      {"pointwise_strides", {2, 5, 5, 3}, {1, 1, 3, 4}, {.strides = {2, 2}}},
      {"whole_image", {3, 4, 3, 2}, {4, 3, 2, 5}},
      {"one_channel", {2, 9, 9, 1}, {3, 3, 1, 8}},
      {"one_filter", {2, 5, 5, 6}, {3, 3, 6, 1}},
      {"one_pixel", {2, 1, 1, 3}, {3, 3, 3, 2}, {.padding = {{1, 1}, {1, 1}}}},
      {"one_of_each", {1, 1, 1, 1}, {1, 1, 1, 1}},
      {"line", {2, 1, 11, 3}, {1, 5, 3, 4}},
      {"many_channels", {1, 5, 5, 35}, {3, 3, 35, 33}},
      {"large", {2, 19, 17, 9}, {5, 5, 9, 17}, {.padding = {{2, 2}, {2, 2}}}},
      // Few channels and whole vectors of filters, whose kernel's gradient takes the rows of a window together.
      {"short_rows", {1, 9, 24, 1}, {3, 3, 1, 32}, {.padding = {{1, 1}, {1, 1}}}},
      {"short_rows_rgb", {1, 7, 20, 3}, {3, 3, 3, 16}, {.padding = {{1, 1}, {1, 1}}}},
      {"short_rows_strides", {2, 8, 9, 2}, {5, 3, 2, 16}, {.strides = {2, 2}, .padding = {{3, 1}, {1, 2}}}},
      {"short_rows_flat", {2, 1, 9, 1}, {3, 3, 1, 16}, {.padding = {{1, 1}, {1, 1}}}},
  };
  return all;
}

Shape conv_output(const ConvSizes& s) {
  return ops::conv2d(input_value("x", {s.x, DType::float32}), input_value("k", {s.kernel, DType::float32}), s.attrs)
      .shape();
}

}  // namespace

std::vector<OpCase> conv_cases() {
  std::vector<OpCase> rows;
  for (const ConvSizes& s : conv_sizes()) {
    const Shape y = conv_output(s);
    const auto add = [&](std::string name, std::vector<Operand> inputs, auto make) {
      rows.push_back({.name = name + "_" + s.name,
                      .inputs = std::move(inputs),
                      .build = [make](const Values& in, DType) -> OpGraph { return {{make(in)}}; },
                      .tolerance = 1e-5,
                      .differentiate_twice = name == "conv2d"});
    };
    const Operand x{s.x, DType::float32, -1, 1}, kernel{s.kernel, DType::float32, -1, 1}, dy{y, DType::float32, -1, 1};
    add("conv2d", {x, kernel}, [attrs = s.attrs](const Values& in) { return ops::conv2d(in[0], in[1], attrs); });
    add("conv2d_input_grad", {dy, kernel},
        [attrs = Conv2DInputGradAttrs{s.attrs, s.x}](const Values& in) { return apply1(kConv2DInputGrad, attrs, in); });
    add("conv2d_kernel_grad", {x, dy}, [attrs = Conv2DKernelGradAttrs{s.attrs, s.kernel}](const Values& in) {
      return apply1(kConv2DKernelGrad, attrs, in);
    });
    for (bool bias : {false, true}) {
      for (FusedActivation activation : {FusedActivation::none, FusedActivation::relu}) {
        std::vector<Operand> inputs = {x, kernel};
        if (bias) inputs.push_back({{s.kernel[3]}});
        const std::string name =
            std::string("conv2d_fused") + (bias ? "_bias" : "") + (activation == FusedActivation::relu ? "_relu" : "");
        add(name, inputs, [attrs = Conv2DFusedAttrs{s.attrs, bias, activation}](const Values& in) {
          return apply1(kConv2DFused, attrs, in);
        });
        rows.back().differentiate = false;
      }
      for (bool more : {false, true}) {
        const Operand feature{{s.kernel[3]}};
        std::vector<Operand> inputs = {x, kernel, feature, feature};
        if (bias) inputs.push_back(feature);
        if (more) inputs.push_back(dy);
        const FusedActivation activation = bias == more ? FusedActivation::relu : FusedActivation::none;
        const std::string name = std::string("conv2d_normalized") + (bias ? "_bias" : "") + (more ? "_sum" : "");
        add(name, inputs, [attrs = Conv2DNormalizedAttrs{s.attrs, bias, more, activation}](const Values& in) {
          return apply1(kConv2DNormalized, attrs, in);
        });
        rows.back().differentiate = false;
      }
    }
  }
  std::vector<double> with_nan(32, 0.25);
  with_nan[0] = kNan;
  rows.push_back(
      {.name = "conv2d_fused_relu_of_nan",
       .inputs = {{{1, 4, 4, 2}, DType::float32, 0, 0, with_nan}, {{3, 3, 2, 4}, DType::float32, -1, 1}, {{4}}},
       .build = [](const Values& in, DType) -> OpGraph {
         return {{apply1(kConv2DFused, Conv2DFusedAttrs{{}, true, FusedActivation::relu}, in)}};
       },
       .tolerance = 1e-5,
       .differentiate = false});
  rows.push_back(
      {.name = "conv2d_normalized_relu_of_nan",
       .inputs = {{{1, 4, 4, 2}, DType::float32, 0, 0, with_nan}, {{3, 3, 2, 4}, DType::float32, -1, 1}, {{4}}, {{4}}},
       .build = [](const Values& in, DType) -> OpGraph {
         return {{apply1(kConv2DNormalized, Conv2DNormalizedAttrs{{}, false, false, FusedActivation::relu}, in)}};
       },
       .tolerance = 1e-5,
       .differentiate = false});
  rows.push_back({.name = "conv2d_no_images",
                  .inputs = {{{0, 5, 5, 2}}, {{3, 3, 2, 4}}},
                  .build = [](const Values& in, DType) -> OpGraph { return {{ops::conv2d(in[0], in[1])}}; },
                  .differentiate = false});
  return rows;
}

std::vector<OpCase> pool_cases() {
  struct Sizes {
    std::string name;
    Shape x;
    Pool2DAttrs attrs = {};
  };
  const std::vector<Sizes> sizes = {
      {"halves", {2, 4, 6, 3}},
      {"leaves_pixels", {2, 5, 7, 3}},
      {"overlapping", {1, 6, 5, 2}, {.window = {3, 3}, .strides = {1, 2}}},
      {"gaps", {1, 7, 8, 2}, {.window = {2, 2}, .strides = {3, 3}}},
      {"padded", {2, 5, 5, 2}, {.window = {3, 3}, .strides = {2, 2}, .padding = {{1, 1}, {1, 1}}}},
      {"padded_after", {1, 5, 5, 2}, {.padding = {{0, 0}, {1, 1}}}},
      {"oblong", {2, 6, 6, 1}, {.window = {1, 4}, .strides = {2, 1}}},
      {"whole_image", {3, 4, 5, 2}, {.window = {4, 5}, .strides = {1, 1}}},
      {"one_pixel", {2, 3, 3, 2}, {.window = {1, 1}, .strides = {1, 1}}},
      {"many_channels", {1, 4, 4, 37}},
      {"large", {3, 33, 31, 19}, {.window = {3, 3}, .strides = {2, 2}}}};
  std::vector<OpCase> rows;
  for (const Sizes& s : sizes) {
    rows.push_back(
        {.name = "max_pool2d_" + s.name,
         .inputs = {{s.x}},
         .build = [attrs = s.attrs](const Values& in, DType) -> OpGraph { return {{ops::max_pool2d(in[0], attrs)}}; },
         .differentiate_twice = false});
    rows.push_back({.name = "average_pool2d_" + s.name,
                    .inputs = {{s.x}},
                    .build = [attrs = s.attrs](const Values& in, DType) -> OpGraph {
                      return {{ops::average_pool2d(in[0], attrs)}};
                    }});
    // Few different numbers: the gradient of equal maxima goes to the first.
    rows.push_back({.name = "max_pool2d_grad_ties_" + s.name,
                    .inputs = {{s.x, DType::int32, 0, 3}},
                    .build = [attrs = s.attrs](const Values& in, DType floating) -> OpGraph {
                      const Value x = ops::cast(in[0], floating);
                      const Value y = ops::max_pool2d(x, attrs);
                      return {{apply1(kMaxPool2DGrad, attrs, {x, y, y + 1.0})}};
                    }});
    rows.push_back({.name = "max_pool2d_index_ties_" + s.name,
                    .inputs = {{s.x, DType::int32, 0, 3}},
                    .build = [attrs = s.attrs](const Values& in, DType floating) -> OpGraph {
                      const Value x = ops::cast(in[0], floating);
                      const Values both = apply(kMaxPool2DIndex, attrs, {x});
                      const MaxPool2DIndexGradAttrs back{attrs, x.shape()};
                      return {{both[0], both[1], apply1(kMaxPool2DIndexGrad, back, {both[1], both[0] + 1.0})}};
                    },
                    .differentiate = false});
    const Shape y = ops::average_pool2d(input_value("x", {s.x, DType::float32}), s.attrs).shape();
    rows.push_back({.name = "average_pool2d_grad_" + s.name,
                    .inputs = {{y}},
                    .build = [attrs = AveragePool2DGradAttrs{s.attrs, s.x}](const Values& in, DType) -> OpGraph {
                      return {{apply1(kAveragePool2DGrad, attrs, in)}};
                    }});
  }
  const auto extreme = [](const Values& in, DType) -> OpGraph {
    return {{ops::max_pool2d(in[0], {.window = {1, 2}, .strides = {1, 2}})}};
  };
  rows.push_back(
      {.name = "max_pool2d_extreme",
       .inputs = {{{1, 1, 8, 1}, DType::float32, 0, 0, {kNan, 1, 2, kNan, -kInfinity, -kInfinity, kInfinity, 0}}},
       .build = extreme,
       .differentiate = false});
  rows.push_back(
      {.name = "max_pool2d_index_extreme",
       .inputs = {{{1, 2, 10, 1}, DType::float32, 0, 0, {kNan,       1,         2, kNan, -kInfinity,
                                                         -kInfinity, kInfinity, 0, kNan, kNan,
                                                         3,          4,         5, kNan, -kInfinity,
                                                         -kInfinity, kInfinity, 1, 7,    kNan}}},
       .build = [](const Values& in, DType) -> OpGraph { return {{apply(kMaxPool2DIndex, Pool2DAttrs{}, in)}}; },
       .differentiate = false});
  rows.push_back({.name = "max_pool2d_of_convolution",  // with its gradients, which the compiler rearranges
                  .inputs = {{{2, 7, 6, 2}}, {{3, 3, 2, 4}}, {{4}}},
                  .build = [](const Values& in, DType) -> OpGraph {
                    return {{ops::max_pool2d(ops::relu(ops::conv2d(in[0], in[1]) + in[2]))}};
                  },
                  .tolerance = 1e-5,
                  .differentiate_twice = false});
  // With and without taps; results that are pooled in one piece, and in several.
  for (const Shape& x : {Shape{5, 6, 7, 3}, Shape{9, 34, 34, 5}, Shape{1, 8, 8, 2}}) {
    for (const bool index : {false, true}) {
      const Conv2DPoolAttrs attrs{{{.padding = {{1, 1}, {1, 1}}}, true, FusedActivation::relu}, {}, index};
      rows.push_back({.name = "conv2d_pool_" + std::to_string(x[1]) + (index ? "_index" : ""),
                      .inputs = {{x}, {{3, 3, x[3], 20}}, {{20}}},
                      .build = [attrs](const Values& in, DType) -> OpGraph { return {apply(kConv2DPool, attrs, in)}; },
                      .tolerance = 1e-5,
                      .differentiate = false});
    }
  }
  // The gradient of such a kernel, of images in one band and in several, the last of them with rows that nobody pools.
  struct Pooled {
    std::string name;
    Shape x, kernel;
    Conv2DAttrs conv = {};
    Pool2DAttrs pool = {};
  };
  for (const Pooled& p : std::vector<Pooled>{
           {"small", {3, 8, 8, 1}, {3, 3, 1, 4}},
           {"bands", {5, 27, 28, 1}, {3, 3, 1, 32}},
           {"padded", {2, 32, 31, 3}, {3, 3, 3, 16}, {.padding = {{1, 1}, {1, 1}}}},
           {"gaps", {3, 40, 30, 2}, {5, 3, 2, 20}, {.strides = {2, 1}}, {.window = {2, 3}, .strides = {3, 2}}},
           {"dilated", {2, 27, 28, 1}, {3, 3, 1, 32}, {.dilation = {2, 1}}},
           {"seen_only_in_part", {2, 23, 30, 1}, {3, 3, 1, 32}, {}, {.padding = {{0, 0}, {1, 1}}}},
           {"five_wide", {2, 29, 36, 3}, {5, 5, 3, 17}, {.padding = {{2, 2}, {2, 2}}}}}) {
    const Value x = input_value("x", {p.x, DType::float32}), kernel = input_value("k", {p.kernel, DType::float32});
    const Shape y = ops::max_pool2d(ops::conv2d(x, kernel, p.conv), p.pool).shape();
    rows.push_back({.name = "conv2d_pool_" + p.name,
                    .inputs = {{p.x}, {p.kernel}, {{p.kernel[3]}}},
                    .build = [p](const Values& in, DType) -> OpGraph {
                      return {{ops::max_pool2d(ops::relu(ops::conv2d(in[0], in[1], p.conv) + in[2]), p.pool)}};
                    },
                    .tolerance = 1e-5,
                    .differentiate = false});
    rows.push_back(
        {.name = "conv2d_pool_kernel_grad_" + p.name,
         .inputs = {{p.x}, {y, DType::int32, 0, static_cast<double>(p.pool.window[0] * p.pool.window[1])}, {y}},
         .build = [p](const Values& in, DType) -> OpGraph {
           const Conv2DPoolKernelGradAttrs attrs{{p.conv, p.kernel}, p.pool};
           return {{apply1(kConv2DPoolKernelGrad, attrs, {in[0], ops::cast(in[1], DType::uint8), in[2]})}};
         },
         .tolerance = 2e-5,
         .differentiate = false});
  }
  return rows;
}

}  // namespace keratin::testing
