#include "tests/support/check_layer.h"

#include <gtest/gtest.h>

#include <cmath>

#include "keratin/core/tensor/errors.h"
#include "keratin/core/tensor/philox.h"
#include "tests/support/layer_program.h"
#include "tests/support/modules.h"

namespace keratin::testing {
namespace {

// In (-1, 1), away from 0 where many functions have a kink.
double number(std::uint64_t stream, std::size_t i) {
  const float u = uniform_from_bits(philox_at(stream, 0, i).x[0]) * 2 - 1;
  return u + (u < 0 ? -0.05 : 0.05);
}

Tensor numbers(const Spec& spec, std::uint64_t stream, std::int64_t ids) {
  Tensor result(spec.shape, DType::float64);
  const std::span<double> values = result.values<double>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = number(stream, i);
    if (ids > 0) values[i] = std::floor(std::abs(values[i]) / 1.06 * static_cast<double>(ids));
  }
  return result.astype(spec.dtype);
}

std::vector<std::string> texts(const std::vector<Variable>& variables) {
  std::vector<std::string> result;
  for (const Variable& variable : variables) result.push_back(variable.name() + " " + variable.shape().to_string());
  return result;
}

std::vector<std::string> joined(std::vector<std::string> a, const std::vector<std::string>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Layer built(const std::function<Layer()>& make, const std::vector<Spec>& specs) {
  Layer layer = make();
  Values inputs;
  for (const Spec& spec : specs) inputs.push_back(input_value("x", spec));
  layer.call(inputs);
  std::uint64_t stream = 100;
  for (Variable variable : layer.variables()) {
    Tensor value = numbers({variable.shape(), variable.dtype()}, stream++, 0);
    // What is divided by its root must be positive.
    if (variable.name().find("variance") != std::string::npos) {
      for (float& x : value.values<float>()) x = std::abs(x) + 0.5f;
    }
    variable.assign(value);
  }
  return layer;
}

double dot(const Tensor& output, const Tensor& b) {
  const Tensor a = output.astype(DType::float64);
  double sum = 0;
  for (std::size_t i = 0; i < a.values<double>().size(); ++i) sum += a.values<double>()[i] * b.values<double>()[i];
  return sum;
}

std::vector<double> list(const Tensor& tensor) { return tensor.astype(DType::float64).to_vector<double>(); }

class Check {
 public:
  Check(const std::function<Layer()>& make, const std::vector<Shape>& inputs, const CheckLayerOptions& options)
      : make_(make), options_(options), device_(reference_device()) {
    for (const Shape& shape : inputs) {
      specs_.push_back({shape, options.dtype});
      x_.push_back(numbers(specs_.back(), 10 + x_.size(), options.ids));
    }
    cotangent_ = numbers({options.output, DType::float64}, 5, 0);
  }

  void all() {
    shapes();
    variables();
    phases();
    gradients(Phase::predict);
    if (!options_.random) gradients(Phase::train);
    if (!options_.wrong_says.empty()) refusal();
  }

 private:
  void shapes() {
    const Layer layer = make_();
    Values unknown_batch;
    for (const Spec& spec : specs_) {
      Spec unknown = spec;
      unknown.shape[0] = kUnknown;
      unknown_batch.push_back(input_value("x", unknown));
    }
    Shape expected = options_.output;
    expected[0] = kUnknown;
    EXPECT_EQ(layer.call(unknown_batch).front().shape(), expected);
    Values known;
    for (const Spec& spec : specs_) known.push_back(input_value("x", spec));
    EXPECT_EQ(layer.call(known).front().shape(), options_.output);
  }

  void variables() {
    Layer layer = built(make_, specs_);
    EXPECT_TRUE(layer.built());
    EXPECT_EQ(texts(layer.trainable_variables()), options_.weights);
    EXPECT_EQ(texts(layer.non_trainable_variables()), options_.state);
    EXPECT_EQ(texts(layer.variables()), joined(options_.weights, options_.state));
    layer.set_trainable(false);
    EXPECT_TRUE(layer.trainable_variables().empty());
    EXPECT_EQ(texts(layer.non_trainable_variables()), joined(options_.weights, options_.state));
  }

  LayerResult run(LayerProgram& program) const { return program.run(x_, cotangent_.astype(program.output().dtype)); }

  void phases() {
    const Layer layer = built(make_, specs_);
    LayerProgram predict(layer, specs_, Phase::predict, device_);
    const Tensor y = run(predict).output;
    EXPECT_EQ(y.shape(), options_.output);
    EXPECT_EQ(list(run(predict).output), list(y)) << "predicting again";
    LayerProgram evaluate(layer, specs_, Phase::evaluate, device_);
    EXPECT_EQ(list(run(evaluate).output), list(y)) << "evaluating";
    LayerProgram train(layer, specs_, Phase::train, device_);
    const Tensor trained = run(train).output;
    EXPECT_EQ(trained.shape(), options_.output);
    EXPECT_EQ(list(trained) != list(y), options_.phases_differ) << "training";
  }

  // Slopes of sum(y * cotangent) by central differences.
  void gradients(Phase phase) {
    const Layer layer = built(make_, specs_);
    LayerProgram program(layer, specs_, phase, device_);
    std::vector<Variable> weights = layer.trainable_variables();
    std::vector<Tensor> values, state;
    for (const Variable& weight : weights) values.push_back(weight.value());
    for (const Variable& variable : layer.non_trainable_variables()) state.push_back(variable.value());
    const LayerResult result = run(program);
    const auto objective = [&] {
      // Moving statistics move with every run in training.
      for (std::size_t i = 0; i < state.size(); ++i) layer.non_trainable_variables()[i].assign(state[i]);
      return dot(run(program).output, cotangent_);
    };
    for (std::size_t i = 0; is_floating(options_.dtype) && i < x_.size(); ++i) {
      const Tensor original = x_[i];
      for (std::size_t element = 0; element < original.values<double>().size(); ++element) {
        const double slope = difference(1e-4, [&](double step) {
          x_[i] = original.clone();
          x_[i].values<double>()[element] += step;
          return objective();
        });
        expect_slope(result.input_gradients[i], element, slope, 1e-6, "input " + std::to_string(i));
      }
      x_[i] = original;
    }
    for (std::size_t i = 0; i < weights.size(); ++i) {
      for (std::size_t element = 0; element < static_cast<std::size_t>(values[i].size()); ++element) {
        // A power of two, so that float32 weights take the whole step.
        const double slope = difference(0x1p-10, [&](double step) {
          Tensor moved = values[i].clone();
          moved.values<float>()[element] += static_cast<float>(step);
          weights[i].assign(moved);
          return objective();
        });
        expect_slope(result.weight_gradients[i], element, slope, 1e-4, weights[i].name());
      }
      weights[i].assign(values[i]);
    }
  }

  template <class Objective>
  static double difference(double step, Objective objective) {
    const double above = objective(step);
    return (above - objective(-step)) / (2 * step);
  }

  static void expect_slope(const Tensor& gradient, std::size_t element, double slope, double tolerance,
                           const std::string& what) {
    const double computed = gradient.defined() ? gradient.astype(DType::float64).values<double>()[element] : 0;
    EXPECT_NEAR(computed, slope, tolerance * (1 + std::abs(slope)))
        << "gradient of " << what << ", element " << element;
  }

  void refusal() {
    const Layer layer = make_();
    const Values inputs(specs_.size(), input_value("x", {options_.wrong, options_.dtype}));
    try {
      layer.call(inputs);
      ADD_FAILURE() << "an input of shape " << options_.wrong.to_string() << " was taken";
    } catch (const InvalidArgument& error) {
      const std::string message = error.what();
      EXPECT_EQ(message.find(layer.name() + " (" + layer.class_name() + "): "), 0u) << message;
      EXPECT_NE(message.find(options_.wrong_says), std::string::npos) << message;
    }
    EXPECT_FALSE(layer.built());
  }

  std::function<Layer()> make_;
  CheckLayerOptions options_;
  std::shared_ptr<Backend> device_;
  std::vector<Spec> specs_;
  std::vector<Tensor> x_;
  Tensor cotangent_;
};

}  // namespace

void check_layer(const std::function<Layer()>& make, const std::vector<Shape>& inputs,
                 const CheckLayerOptions& options) {
  if (!have_modules()) GTEST_SKIP() << "a static build has no backend modules";
  Check(make, inputs, options).all();
}

}  // namespace keratin::testing
