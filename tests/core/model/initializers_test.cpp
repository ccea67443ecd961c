#include "keratin/core/model/initializers.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "keratin/core/model/config_reader.h"
#include "keratin/core/model/detail/random_stream.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/io/detail/json_config.h"
#include "tests/support/expect_error.h"
#include "tests/support/golden_file.h"

namespace keratin {
namespace {

using testing::expect_error;

struct Moments {
  double mean = 0, stddev = 0, smallest = 1e300, largest = -1e300;
};
Moments moments(const Tensor& tensor) {
  Moments m;
  double square = 0;
  const Tensor numbers = tensor.astype(DType::float64);
  for (double x : numbers.values<double>()) {
    m.mean += x;
    square += x * x;
    m.smallest = std::min(m.smallest, x);
    m.largest = std::max(m.largest, x);
  }
  const auto n = static_cast<double>(tensor.size());
  m.mean /= n;
  m.stddev = std::sqrt(square / n - m.mean * m.mean);
  return m;
}

Tensor make(const Initializer& initializer, const Shape& shape, std::uint64_t seed = 1) {
  return initializer(shape, DType::float32, seed);
}

// 40000 numbers: their mean is off by less than 5 standard errors, the standard deviation by less than 2 percent.
void expect_distribution(const Tensor& tensor, double mean, double stddev, double bound) {
  const Moments m = moments(tensor);
  EXPECT_NEAR(m.mean, mean, 5 * stddev / std::sqrt(static_cast<double>(tensor.size())));
  EXPECT_NEAR(m.stddev, stddev, 0.02 * stddev);
  EXPECT_LE(m.largest - mean, bound * 1.000001);
  EXPECT_LE(mean - m.smallest, bound * 1.000001);
}

TEST(Initializers, ScaleByTheFans) {
  const Shape matrix{100, 400}, kernel{5, 4, 20, 100};  // kernel: fans 400 and 2000
  const double truncated = 2 / .87962566103423978;
  expect_distribution(make("glorot_uniform", matrix), 0, std::sqrt(2.0 / 500), std::sqrt(6.0 / 500));
  expect_distribution(make("glorot_normal", matrix), 0, std::sqrt(2.0 / 500), truncated * std::sqrt(2.0 / 500));
  expect_distribution(make("he_uniform", matrix), 0, std::sqrt(2.0 / 100), std::sqrt(6.0 / 100));
  expect_distribution(make("he_normal", kernel), 0, std::sqrt(2.0 / 400), truncated * std::sqrt(2.0 / 400));
  expect_distribution(make("lecun_uniform", kernel), 0, std::sqrt(1.0 / 400), std::sqrt(3.0 / 400));
  expect_distribution(make("lecun_normal", matrix), 0, std::sqrt(1.0 / 100), truncated * std::sqrt(1.0 / 100));
  expect_distribution(make("glorot_uniform", {40000}), 0, std::sqrt(1.0 / 40000), std::sqrt(3.0 / 40000));
  const auto scaling =
      initializers::VarianceScaling({.scale = 3, .mode = "fan_out", .distribution = "untruncated_normal"});
  expect_distribution(make(scaling, kernel), 0, std::sqrt(3.0 / 2000), 6 * std::sqrt(3.0 / 2000));
}

TEST(Initializers, DrawFromTheirDistribution) {
  const Shape shape{200, 200};
  expect_distribution(make(initializers::RandomUniform({.minval = 1, .maxval = 3}), shape), 2, 2 / std::sqrt(12.0), 1);
  expect_distribution(make(initializers::RandomNormal({.mean = -1, .stddev = 2}), shape), -1, 2, 11);
  EXPECT_GT(moments(make("random_normal", shape)).largest, 3 * 0.05);
  // A normal distribution truncated at two standard deviations has .8796 of its standard deviation.
  expect_distribution(make(initializers::TruncatedNormal({.mean = 1, .stddev = 2}), shape), 1, 2 * .87962566, 4);
}

TEST(Initializers, DependOnTheSeedOnly) {
  const Initializer uniform = "glorot_uniform";
  const auto first = make(uniform, {3, 4}, 7).to_vector<float>();
  EXPECT_EQ(make(uniform, {3, 4}, 7).to_vector<float>(), first);
  EXPECT_NE(make(uniform, {3, 4}, 8).to_vector<float>(), first);
  const Initializer own = initializers::GlorotUniform({.seed = 7});
  EXPECT_EQ(make(own, {3, 4}, 8).to_vector<float>(), first);
  // The same numbers in another precision.
  const Tensor doubles = uniform({3, 4}, DType::float64, 7);
  EXPECT_EQ(doubles.astype(DType::float32).to_vector<float>(), first);
}

// Numbers that must never change: saved seeds would mean other weights.
TEST(Initializers, GiveTheSameNumbersOnEveryMachine) {
  detail::RandomStream stream(42);
  EXPECT_EQ(stream.uniform(), 0x1.39d5e0a6efea9p-1);
  EXPECT_EQ(stream.normal(), 0x1.c8932b0dab9e7p-5);
  for (double x : {1e-300, 0.1, 0.70710678118654752, 0.999999, 1.0, 3.0, 1e300}) {
    EXPECT_NEAR(detail::portable_log(x), std::log(x), 2e-15 * std::abs(std::log(x)) + 1e-17) << x;
  }
}

TEST(Initializers, OrthogonalColumnsOrRows) {
  for (const Shape& shape : {Shape{6, 4}, Shape{4, 6}, Shape{5, 5}, Shape{2, 3, 4}, Shape{1, 1}}) {
    const Tensor q = initializers::Orthogonal({.gain = 2})(shape, DType::float64, 3);
    const std::int64_t columns = shape[-1], rows = shape.size() / columns;
    const auto at = [&](std::int64_t i, std::int64_t j) {
      return q.values<double>()[static_cast<std::size_t>(rows >= columns ? i * columns + j : j * columns + i)];
    };
    const std::int64_t count = std::min(rows, columns), length = std::max(rows, columns);
    for (std::int64_t a = 0; a < count; ++a) {
      for (std::int64_t b = 0; b < count; ++b) {
        double dot = 0;
        for (std::int64_t k = 0; k < length; ++k) dot += at(k, a) * at(k, b);
        EXPECT_NEAR(dot, a == b ? 4 : 0, 1e-12) << shape.to_string();
      }
    }
  }
}

TEST(Initializers, Constants) {
  EXPECT_EQ(make("zeros", {2}).to_vector<float>(), (std::vector<float>{0, 0}));
  EXPECT_EQ(make("one", {2}).to_vector<float>(), (std::vector<float>{1, 1}));
  EXPECT_EQ(make(initializers::Constant(0.5), {2}).to_vector<float>(), (std::vector<float>{0.5, 0.5}));
  EXPECT_EQ(make(initializers::Identity(2), {2, 3}).to_vector<float>(), (std::vector<float>{2, 0, 0, 0, 2, 0}));
  EXPECT_EQ(initializers::Ones()({2}, DType::int64, 0).to_vector<std::int64_t>(), (std::vector<std::int64_t>{1, 1}));
}

TEST(Initializers, GoByKerasNames) {
  for (const char* name : {"uniform", "random_uniform", "RandomUniform"}) {
    EXPECT_EQ(Initializer(name).config().class_name(), "RandomUniform") << name;
  }
  EXPECT_EQ(Initializer("normal").config().class_name(), "RandomNormal");
  EXPECT_EQ(Initializer("HeNormal").config().class_name(), "HeNormal");
  EXPECT_EQ(Initializer("orthogonal").config().class_name(), "OrthogonalInitializer");  // Keras 3.0's name
  EXPECT_EQ(Initializer("IdentityInitializer").config().class_name(), "Identity");
  EXPECT_EQ(Initializer("glorot_uniform").config().to_json(),
            R"({"module": "keras.initializers", "class_name": "GlorotUniform", "config": {"seed": null}, )"
            R"("registered_name": null})");
  EXPECT_EQ(initializers::TruncatedNormal({.seed = 3}).config().to_json(),
            R"({"module": "keras.initializers", "class_name": "TruncatedNormal", )"
            R"("config": {"seed": 3, "mean": 0.0, "stddev": 0.05}, "registered_name": null})");
}

TEST(Initializers, RefuseNonsense) {
  expect_error<InvalidArgument>([] { Initializer("glorot"); }, {"unknown initializer 'glorot'"});
  expect_error<InvalidArgument>([] { Initializer("he_norml"); }, {"did you mean 'he_normal'?"});
  expect_error<InvalidArgument>([] { initializers::VarianceScaling({.scale = 0}); }, {"scale must be positive"});
  expect_error<InvalidArgument>([] { initializers::VarianceScaling({.mode = "fan"}); }, {"mode must be", "got 'fan'"});
  expect_error<InvalidArgument>([] { initializers::VarianceScaling({.distribution = "x"}); }, {"distribution must be"});
  expect_error<InvalidArgument>([] { initializers::RandomUniform({.minval = 1, .maxval = 0}); }, {"minval"});
  expect_error<InvalidArgument>([] { make("orthogonal", {3}); }, {"at least 2 axes, got (3,)"});
  expect_error<InvalidArgument>([] { make("identity", {3}); }, {"must be a matrix, got (3,)"});
  expect_error<InvalidArgument>([] { Initializer("uniform")({3}, DType::int32, 0); }, {"the variable is int32"});
}

// Against Keras: tests/goldens/initializers.json.gz, which scripts/goldens/make_initializer_goldens.py writes.
const nlohmann::json& goldens() {
  static const auto json = nlohmann::json::parse(testing::read_golden("initializers"));
  return json;
}

// From its configuration, as a layer of a file holds it.
Initializer made(const nlohmann::json& object) {
  Config config;
  config.set("kernel_initializer", detail::parse_json(object.dump()));
  ConfigProblems problems;
  Initializer result = ConfigReader(config, "golden", problems).initializer("kernel_initializer", "zeros");
  EXPECT_TRUE(problems.empty()) << problems.text();
  return result;
}

// Two samples of some 200,000 numbers differ by less than these parts of their standard deviation: the mean of a normal
// distribution has a standard error of 0.002, its 1 % quantile of 0.02 in the part that is sorted.
void expect_same_distribution(const Tensor& tensor, const nlohmann::json& golden) {
  const auto [mean, stddev, smallest, largest] = golden["statistics"].get<std::array<double, 4>>();
  const Moments m = moments(tensor);
  const double few = std::sqrt(200000.0 / static_cast<double>(tensor.size()));
  EXPECT_NEAR(m.mean, mean, 0.015 * stddev * few);
  EXPECT_NEAR(m.stddev, stddev, 0.01 * stddev * few);
  if ((largest - mean) < 2.5 * stddev) {  // the ends of a bounded distribution
    EXPECT_NEAR(m.smallest, smallest, 0.01 * stddev);
    EXPECT_NEAR(m.largest, largest, 0.01 * stddev);
  }
  std::vector<float> sorted;  // a part of them, because sorting takes time
  for (std::size_t i = 0; i < tensor.values<float>().size(); i += 7) sorted.push_back(tensor.values<float>()[i]);
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 0; i < goldens()["probabilities"].size(); ++i) {
    const double probability = goldens()["probabilities"][i];
    const auto at = static_cast<std::size_t>(probability * static_cast<double>(sorted.size() - 1));
    EXPECT_NEAR(sorted[at], golden["quantiles"][i].get<double>(), 0.09 * stddev * few) << "quantile " << probability;
  }
}

TEST(Initializers, DrawAsKerasDoes) {
  for (const nlohmann::json& golden : goldens()["cases"]) {
    SCOPED_TRACE(golden["object"].dump() + golden["shape"].dump());
    const Initializer initializer = made(golden["object"]);
    const Tensor tensor = make(initializer, Shape(golden["shape"].get<std::vector<std::int64_t>>()), 11);
    if (golden.contains("statistics")) {
      expect_same_distribution(tensor, golden);
    } else {
      EXPECT_EQ(tensor.to_vector<float>(), golden["values"].get<std::vector<float>>());
    }
  }
}

TEST(Initializers, EachHasAGolden) {
  std::set<std::string> seen;
  for (const nlohmann::json& golden : goldens()["cases"]) seen.insert(made(golden["object"]).config().class_name());
  for (const std::string& name : Initializer::names()) {
    EXPECT_TRUE(seen.contains(Initializer(name).config().class_name()))
        << name << " has no golden; add a case to scripts/goldens/make_initializer_goldens.py";
  }
}

}  // namespace
}  // namespace keratin
