// Functions of keratin::ops against Keras: values and gradients (tests/goldens/ops.json.gz), on every device.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <ostream>
#include <regex>
#include <set>

#include "keratin/core/compiler/autodiff.h"
#include "keratin/core/compiler/passes.h"
#include "keratin/core/graph/leaves.h"
#include "keratin/core/ops/ops.h"
#include "keratin/core/runtime/device.h"
#include "keratin/core/runtime/plan_instance.h"
#include "keratin/core/tensor/errors.h"
#include "tests/core/ops/golden_ops.h"
#include "tests/support/expect_error.h"
#include "tests/support/golden_file.h"
#include "tests/support/modules.h"
#include "tests/support/op_runner.h"
#include "tests/support/source_path.h"

namespace keratin::testing {
namespace {

using Json = nlohmann::json;

const Json& cases() {
  static const Json json = Json::parse(read_golden("ops"))["cases"];
  return json;
}

// The function of a case: by its full name, or by what stands before the slash.
GoldenFunction function_of(const std::string& name) {
  const auto& all = golden_ops();
  auto found = all.find(name);
  if (found == all.end()) found = all.find(name.substr(0, name.find('/')));
  return found == all.end() ? nullptr : found->second;
}

// JSON has no word for infinite numbers.
double number(const Json& json) {
  if (json.is_number()) return json.get<double>();
  const auto text = json.get<std::string>();
  return text == "nan" ? kNan : text == "inf" ? kInfinity : -kInfinity;
}

Tensor tensor_of(const Json& json, DType floating) {
  Tensor result(Shape(json["shape"].get<std::vector<std::int64_t>>()), DType::float64);
  EXPECT_EQ(static_cast<std::int64_t>(json["values"].size()), result.size());
  std::size_t i = 0;
  for (const Json& value : json["values"]) result.values<double>()[i++] = number(value);
  const std::string kind = json["kind"];
  return result.astype(kind == "float" ? floating : kind == "int" ? DType::int32 : DType::boolean);
}

Value weights(std::size_t output, const Spec& spec) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < spec.shape.size(); ++i) {
    values.push_back(static_cast<double>((7 * i + 3 * static_cast<std::int64_t>(output)) % 11 - 5) / 4);
  }
  return Tensor(spec.shape, values).astype(spec.dtype);
}

// A device, the dtype of floating inputs and how near the results must come.
struct Setting {
  const char* device;
  DType dtype;
  double tolerance;
};
void PrintTo(const Setting& setting, std::ostream* out) { *out << setting.device; }

void expect_golden(const Tensor& got, const Json& golden, const std::string& what, const Setting& setting) {
  const std::string kind = golden["kind"];
  EXPECT_EQ(is_floating(got.dtype()), kind == "float") << what << " is " << name_of(got.dtype());
  EXPECT_EQ(got.dtype() == DType::boolean, kind == "bool") << what << " is " << name_of(got.dtype());
  const Tensor expected = tensor_of(golden, DType::float64);
  EXPECT_LE(difference(got, expected), setting.tolerance)
      << what << "\n  got      " << got.to_string(40) << "\n  expected " << expected.to_string(40);
}

void check_case(const Json& golden, GoldenFunction function, const Setting& setting,
                const std::shared_ptr<Backend>& device) {
  Program program{.name = golden["name"], .inputs = {}, .outputs = {}, .updates = {}, .gradients = {}};
  std::vector<Tensor> inputs;
  for (const Json& input : golden["inputs"]) {
    inputs.push_back(tensor_of(input, setting.dtype));
    program.inputs.push_back(
        input_value("x" + std::to_string(inputs.size()), {inputs.back().shape(), inputs.back().dtype()}));
  }
  const Values outputs = function(program.inputs);
  ASSERT_EQ(outputs.size(), golden["outputs"].size());
  program.outputs = outputs;
  for (Value& output : program.outputs) {  // an output that is an input has no memory of its own
    if (output.node()->is(kInput)) output = ops::stop_gradient(output);
  }
  std::vector<std::size_t> with_gradient;
  if (golden.contains("gradients")) {
    Value objective;
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      if (!is_floating(outputs[k].dtype())) continue;
      const Value part = ops::sum(outputs[k] * weights(k, outputs[k].spec()));
      objective = objective ? objective + part : part;
    }
    const Values slopes = gradients(objective, program.inputs);
    for (std::size_t i = 0; i < slopes.size(); ++i) {
      if (golden["gradients"][i].is_null()) continue;
      with_gradient.push_back(i);
      program.outputs.push_back(slopes[i] ? slopes[i] : ops::zeros_like(program.inputs[i]));
    }
  }
  PlanInstance instance(compile(program, *device), exact_options(), std::make_shared<Arena>(device));
  instance.allocate();
  for (std::size_t i = 0; i < inputs.size(); ++i) instance.write_input(static_cast<int>(i), inputs[i]);
  run_and_replay(instance, *device);
  int next = 0;
  for (const Json& output : golden["outputs"]) {
    expect_golden(instance.read_output(next), output, "output " + std::to_string(next), setting);
    ++next;
  }
  for (std::size_t i : with_gradient) {
    expect_golden(instance.read_output(next++), golden["gradients"][i], "gradient " + std::to_string(i), setting);
  }
}

class OpGoldens : public ::testing::TestWithParam<Setting> {};

// Goldens have 9 digits, and XLA knows some functions in double precision to 1e-7 only. A GPU's libraries sum in orders
// of their own.
INSTANTIATE_TEST_SUITE_P(Devices, OpGoldens,
                         ::testing::Values(Setting{"reference:0", DType::float64, 1e-6},
                                           Setting{"cpu:0", DType::float32, 1e-5},
                                           Setting{"cudasim:0", DType::float32, 1e-5},
                                           Setting{"cuda:0", DType::float32, 5e-5}),
                         [](const auto& setting) {
                           const std::string device = setting.param.device;
                           return device.substr(0, device.find(':'));
                         });

TEST_P(OpGoldens, FunctionsComputeWhatKerasDoes) {
  const std::shared_ptr<Backend> device = device_if_there(GetParam().device);
  if (!device) GTEST_SKIP() << "there is no " << GetParam().device;
  for (const Json& golden : cases()) {
    const std::string name = golden["name"];
    SCOPED_TRACE(name);
    const GoldenFunction function = function_of(name);
    ASSERT_TRUE(function) << "golden_ops.cpp has no such function";
    try {
      check_case(golden, function, GetParam(), device);
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();
    }
  }
}

// Every function of these headers is compared with Keras.
TEST(OpGoldensCoverage, EveryFunctionHasOne) {
  std::set<std::string> compared;
  for (const Json& golden : cases()) {
    const std::string name = golden["name"];
    compared.insert(name.substr(0, name.find('/')));
  }
  for (const auto& [name, function] : golden_ops()) {
    EXPECT_TRUE(compared.contains(name.substr(0, name.find('/')))) << name << " is never called";
  }
  for (const char* header :
       {"arrange", "creation", "filters", "linear", "loops", "math", "nn", "scatter", "sorting", "statistics"}) {
    std::ifstream file(source_path(std::string("core/ops/") + header + ".h"));
    ASSERT_TRUE(file) << header;
    const std::regex function("^Values? (\\w+)\\(.*");
    std::smatch match;
    for (std::string line; std::getline(file, line);) {
      if (!std::regex_match(line, match, function)) continue;
      EXPECT_TRUE(compared.contains(match[1].str()))
          << match[1] << " of core/ops/" << header
          << ".h has no golden: add a case to scripts/goldens/make_ops_goldens.py";
    }
  }
}

struct Refusal {
  std::function<void()> call;
  const char* text;
};

// What would be a wrong result, a crash or gigabytes of memory otherwise.
TEST(OpFunctions, RefuseWhatTheyCannotDo) {
  const Value row = Tensor({3}, {1.0f, 2.0f, 3.0f}), matrix = Tensor({2, 3}, DType::float32);
  const Value ids = Tensor({3}, {0, 1, 5}), batch = input_value("x", {{kUnknown, 3}, DType::float32});
  const std::vector<Refusal> refusals = {
      {[&] { ops::average(matrix, {}, row); }, "average: weights must have the shape of x, (2, 3)"},
      {[&] { ops::corrcoef(row); }, "corrcoef: x must be a matrix"},
      {[&] {
         ops::norm(matrix, 3, {0, 1});
       },
       "norm: order 3"},
      {[&] {
         ops::norm(Tensor({1, 1, 1}), 2, {0, 1, 2});
       },
       "norm: expected one axis"},
      {[&] { ops::normalize(row, -1, 0); }, "order must be at least 1"},
      {[&] {
         ops::moveaxis(matrix, {0}, {0, 1});
       },
       "moveaxis: source and destination"},
      {[&] {
         ops::moveaxis(matrix, {0, 0}, {0, 1});
       },
       "named twice"},
      {[&] { ops::swapaxes(matrix, 0, 2); }, "swapaxes: axis 2"},
      {[&] { ops::tile(matrix, {0}); }, "tile: repeats"},
      {[&] { ops::roll(batch, 1); }, "roll: sizes must be known"},
      {[&] { ops::fliplr(row); }, "fliplr: expected at least 2 axes"},
      {[&] { ops::rot90(matrix, 1, 1, 1); }, "rot90: the axes must be different"},
      {[&] { ops::unstack(batch); }, "unstack"},
      {[&] {
         ops::split_at(row, {2, 1});
       },
       "split_at: the places"},
      {[&] { ops::split_at(row, {4}); }, "split_at: the places"},
      {[&] { ops::array_split(row, 0); }, "parts must be at least 1"},
      {[&] { ops::dsplit(matrix, 1); }, "dsplit: expected at least 3 axes"},
      {[&] {
         ops::diag(Tensor({1, 1, 1}));
       },
       "diag: expected a vector or a matrix"},
      {[&] { ops::diff(row, 4); }, "diff: n must be from 0"},
      {[&] { ops::select({}, {}); }, "select: there must be a choice"},
      {[&] { ops::meshgrid({row}, "yx"); }, "indexing must be 'xy' or 'ij'"},
      {[&] { ops::unravel_index(ids, {}); }, "unravel_index"},
      {[&] {
         ops::slice_update(matrix, {0, 2}, matrix);
       },
       "slice_update: updates of shape (2, 3)"},
      {[&] {
         ops::depth_to_space(Tensor({1, 1, 1, 6}), 2);
       },
       "a multiple of 4"},
      {[&] {
         ops::space_to_depth(Tensor({1, 3, 2, 1}), 2);
       },
       "multiples of 2"},
      {[&] { ops::extract_sequences(row, 4, 1); }, "extract_sequences: length"},
      {[&] { ops::eye(-1); }, "eye: rows and columns"},
      {[&] { ops::linspace(0, 1, -1); }, "linspace: the number"},
      {[&] { ops::geomspace(-1, 1); }, "one sign"},
      {[&] { ops::tensordot(matrix, matrix, 3); }, "tensordot: axes must be from 0"},
      {[&] { ops::dot(matrix, matrix); }, "pairs of one size"},
      {[&] { ops::cross(Tensor({2}), Tensor({2})); }, "three elements"},
      {[&] { ops::cdist(row, matrix); }, "cdist: expected shapes"},
      {[&] { ops::vander(matrix); }, "vander: x must have one axis"},
      {[&] { ops::argsort(Tensor::scalar(1.0f)); }, "argsort: axis -1"},
      {[&] { ops::top_k(row, 4); }, "top_k: k must be from 1"},
      {[&] { ops::in_top_k(row, row, 1); }, "in_top_k: expected targets (n)"},
      {[&] { ops::quantile(row, 1.5); }, "quantile: q must lie between 0 and 1"},
      {[&] { ops::quantile(row, 0.5, {}, false, "linaer"); }, "did you mean 'linear'"},
      {[&] { ops::median(batch); }, "quantile: sizes must be known"},
      {[&] { ops::median(Tensor({0})); }, "no elements"},
      {[&] { ops::searchsorted(matrix, row); }, "one axis"},
      {[&] { ops::searchsorted(row, row, "middle"); }, "'left' or 'right'"},
      {[&] { ops::cumsum(row, 1); }, "cumsum: axis 1"},
      {[&] { ops::take_along_axis(matrix, ids, 1); }, "take_along_axis: indices"},
      {[&] { ops::scatter(ids, row, {3}); }, "scatter: indices must have shape (k, r)"},
      {[&] { ops::scatter(ops::expand_dims(ids, 1), matrix, {3}); }, "the values must have shape (3,)"},
      {[&] { ops::segment_sum(matrix, ids, 2); }, "segment_sum: expected data (n, ...)"},
      {[&] { ops::bincount(ids, 0); }, "length must be at least 1"},
      {[&] { ops::histogram(row, 0); }, "at least one bin"},
      {[&] { ops::layer_normalization(matrix, Tensor({2})); }, "weights must have shape (3,)"},
      {[&] { ops::dot_product_attention(matrix, matrix, matrix); }, "dot_product_attention: expected query"},
      {[&] { ops::adaptive_max_pool(matrix, {2}); }, "adaptive_max_pool: expected shape"},
      {[&] { ops::depthwise_conv2d(matrix, matrix); }, "depthwise_conv2d: expected a kernel"},
      {[&] {
         ops::image::extract_patches(Tensor({1, 2, 2, 1}), {3, 1});
       },
       "does not fit"},
      {[&] {
         ops::image::extract_patches_3d(Tensor({1, 2, 2, 1}), {1, 1, 1});
       },
       "must have rank 5"},
      {[&] {
         ops::image::extract_patches(Tensor({1, 2, 2, 1}), {1, 1}, {.padding = "full"});
       },
       "'valid' or 'same'"},
      {[&] {
         ops::image::ssim(Tensor({1, 9, 20, 1}), Tensor({1, 9, 20, 1}));
       },
       "not smaller than the filter"},
      {[&] { ops::take(matrix, ids, 2); }, "take: axis 2"},
      {[&] {
         ops::image::gaussian_blur(Tensor({1, 2, 2, 1}), {3, 3}, {0, 1});
       },
       "must be positive"},
      {[&] { ops::fori_loop(0, 1, [](const Values& x) { return x; }, {}); }, "at least one value of state"},
      {[&] { ops::while_loop([](const Values& x) { return x[0]; }, [](const Values& x) { return x; }, {row}, 2); },
       "the condition must be a scalar"},
      {[&] {
         ops::cond(
             row, [&]() -> Values { return {row}; }, [] { return Values(); });
       },
       "equally many values"},
      {[&] { ops::random_integers(Tensor::scalar<std::int64_t>(0), {3}, 2, 2, 1); }, "high must be above low"},
      {[&] { ops::random_categorical(Tensor::scalar<std::int64_t>(0), row, 2, 1); }, "expected logits (n, classes)"}};
  for (const Refusal& refusal : refusals) {
    SCOPED_TRACE(refusal.text);
    expect_error<InvalidArgument>(refusal.call, {refusal.text});
  }
}

// What needs no sizes works on inputs of models, too.
TEST(OpFunctions, TakeUnknownSizesWhereTheyNeedNone) {
  const Value x = input_value("x", {{kUnknown, 4}, DType::float32});
  const Shape rows{kUnknown, 4}, column{kUnknown};
  for (const Value& y : {ops::hypot(x, 2.0), ops::mod(x, 2.0), ops::normalize(x), ops::arctan2(x, x),
                         ops::layer_normalization(x), ops::cumsum(x, 1), ops::argsort(x), ops::roll(x, 1, {1}),
                         ops::full_like(x, 2), ops::nan_to_num(x), ops::swapaxes(ops::swapaxes(x, 0, 1), 0, 1)}) {
    EXPECT_EQ(y.shape(), rows);
  }
  for (const Value& y : {ops::any(x, {1}), ops::standard_deviation(x, {1}), ops::nanmax(x, {1}), ops::norm(x, 2, {1}),
                         ops::argmin(x), ops::unstack(x, 1)[3]}) {
    EXPECT_EQ(y.shape(), column);
  }
  EXPECT_EQ(ops::tile(x, {2, 3}).shape(), Shape({kUnknown, 12}));
  EXPECT_EQ(ops::diff(x).shape(), Shape({kUnknown, 3}));
}

TEST(RandomFunctions, HaveTheirDistributions) {
  const Value step = Tensor::scalar<std::int64_t>(5);
  const auto integers = ops::random_integers(step, {9000}, -1, 2, 7).tensor().to_vector<std::int32_t>();
  for (std::int32_t wanted : {-1, 0, 1}) {
    EXPECT_NEAR(static_cast<double>(std::count(integers.begin(), integers.end(), wanted)), 3000, 180);  // 4 deviations
  }
  const Value logits = ops::log(Tensor({2, 3}, {0.5f, 0.3f, 0.2f, 0.0f, 0.0f, 1.0f}));
  const Tensor drawn = ops::random_categorical(step, logits, 5000, 7);
  EXPECT_EQ(drawn.shape(), Shape({2, 5000}));
  const auto classes = drawn.to_vector<std::int32_t>();
  EXPECT_NEAR(static_cast<double>(std::count(classes.begin(), classes.begin() + 5000, 0)), 2500, 142);
  EXPECT_NEAR(static_cast<double>(std::count(classes.begin(), classes.begin() + 5000, 2)), 1000, 113);
  EXPECT_EQ(std::count(classes.begin() + 5000, classes.end(), 2), 5000);
  const Value x = ops::iota({50, 2}, 0);
  const auto order = ops::random_shuffle(step, x, 0, 7).tensor().to_vector<std::int32_t>();
  std::set<std::int32_t> seen;
  for (std::size_t i = 0; i < order.size(); i += 2) {
    EXPECT_EQ(order[i], order[i + 1]);
    seen.insert(order[i]);
  }
  EXPECT_EQ(seen.size(), 50u);
  EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));
}

}  // namespace
}  // namespace keratin::testing
