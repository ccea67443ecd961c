#include "keratin/core/model/layer.h"

#include "keratin/core/model/naming.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/core/dense.h"
#include "keratin/layers/core/input.h"
#include "tests/support/expect_error.h"

namespace keratin {
namespace {

using testing::expect_error;

// A layer of a user's: two inputs, two outputs, a weight and a layer inside.
class Mix final : public LayerImpl {
 public:
  explicit Mix(double share, const std::string& name = "") : LayerImpl("Mix", name), share_(share) {}
  Values call(std::span<const Value> inputs, CallContext&) override {
    const Value a = dense_(inputs[0]);
    return {a * share_ + inputs[1] * scale_, inputs[1]};
  }
  Dense dense() const { return dense_; }

 protected:
  int input_count() const override { return 2; }
  void check_inputs(std::span<const Shape> inputs) const override {
    if (inputs[1].rank() != 2) throw InvalidArgument("the second input must be a matrix");
  }
  void build(std::span<const Shape> inputs) override { scale_ = add_weight("scale", {inputs[1][-1]}); }

 private:
  double share_;
  Variable scale_;
  Dense dense_ = add_child("dense", Dense(3));
};

TEST(Layer, OfAUserHasInputsOutputsAndChildren) {
  Custom<Mix> mix(0.5, "my_mix");
  const Input a({4}), b({3});
  const Values y = mix.call({a, b});
  ASSERT_EQ(y.size(), 2u);
  EXPECT_EQ(y[0].shape(), (Shape{kUnknown, 3}));
  EXPECT_EQ(y[0].node()->layer(), mix.pointer());
  EXPECT_EQ(mix.variables().size(), 3u);
  EXPECT_EQ(mix.variables()[0].path(), "my_mix/scale");
  EXPECT_EQ(mix->dense().count_params(), 15);
  ASSERT_EQ(mix->children().size(), 1u);
  EXPECT_EQ(mix->children()[0].name, "dense");

  mix->dense().set_weights({Tensor::full({4, 3}, 1), Tensor({3})});
  const Tensor out = mix({Tensor::full({1, 4}, 2), Tensor::full({1, 3}, 1)});
  EXPECT_EQ(out.to_vector<float>(), (std::vector<float>{4, 4, 4}));
}

TEST(Layer, FreezingReachesTheLayersInside) {
  Custom<Mix> mix(0.5);
  mix.call({Input({4}), Input({3})});
  EXPECT_EQ(mix.trainable_variables().size(), 3u);
  mix->dense().set_trainable(false);
  EXPECT_EQ(mix.trainable_variables().size(), 1u);
  EXPECT_EQ(mix.non_trainable_variables().size(), 2u);
  mix->dense().set_trainable(true);
  mix.set_trainable(false);
  EXPECT_TRUE(mix.trainable_variables().empty());
  EXPECT_FALSE(mix->dense().trainable());
}

TEST(Layer, ErrorsSayWhere) {
  Custom<Mix> mix(0.5, "my_mix");
  expect_error<InvalidArgument>([&] { mix(Input({4})); }, {"my_mix (Mix): expected 2 inputs, got 1"});
  expect_error<InvalidArgument>(
      [&] {
        mix.call({Input({4}), Input({4, 3})});
      },
      {"my_mix (Mix): the second input must"});
  // From the layer inside, found when the outputs' shapes are worked out.
  expect_error<InvalidArgument>(
      [&] {
        mix.call({Input({}), Input({3})});
      },
      {"my_mix (Mix): ", mix->dense().name() + " (Dense): expected an input of rank 2"});
  expect_error<InvalidArgument>([] { Layer().name(); }, {"an empty Layer"});
}

TEST(Layer, RefusesWeightsThatDoNotFitBeforeAnythingChanges) {
  Dense dense(2);
  dense.build({kUnknown, 1});
  const std::vector<Tensor> before = dense.get_weights();
  expect_error<InvalidArgument>([&] { dense.set_weights({Tensor({1, 2})}); }, {"has 2 variables, got 1 tensors"});
  expect_error<InvalidArgument>(
      [&] {
        dense.set_weights({Tensor::full({1, 2}, 9), Tensor({3})});
      },
      {dense.name() + "/bias is float32 (2,), got float32 (3,)"});
  EXPECT_EQ(dense.get_weights()[0].to_vector<float>(), before[0].to_vector<float>());
}

TEST(Layer, WeightsDependOnTheSeed) {
  const auto kernel = [](std::uint64_t seed) {
    set_random_seed(seed);
    Dense dense(3);
    dense.build({kUnknown, 4});
    Dense other(3);
    other.build({kUnknown, 4});
    EXPECT_NE(dense.get_weights()[0].to_vector<float>(), other.get_weights()[0].to_vector<float>());
    return dense.get_weights()[0].to_vector<float>();
  };
  EXPECT_EQ(kernel(3), kernel(3));
  EXPECT_NE(kernel(3), kernel(4));
  set_random_seed(0);
}

TEST(Naming, IsKeras) {
  EXPECT_EQ(to_snake_case("Dense"), "dense");
  EXPECT_EQ(to_snake_case("Conv2DTranspose"), "conv2d_transpose");
  EXPECT_EQ(to_snake_case("MaxPooling2D"), "max_pooling2d");
  EXPECT_EQ(to_snake_case("ConvLSTM2D"), "conv_lstm2d");
  EXPECT_EQ(to_snake_case("ReLU"), "re_lu");
  EXPECT_EQ(to_snake_case("PReLU"), "p_re_lu");
  EXPECT_EQ(to_snake_case("ELU"), "elu");
  EXPECT_EQ(to_snake_case("RMSprop"), "rm_sprop");
  EXPECT_EQ(to_snake_case("UpSampling2D"), "up_sampling2d");
  reset_names();
  EXPECT_EQ(Dense(1).name(), "dense");
  EXPECT_EQ(Dense(1).name(), "dense_1");
  EXPECT_EQ(Dense(1, {.name = "own"}).name(), "own");
}

TEST(Config, IsWrittenAsPythonDoes) {
  Config inner;
  inner.set("text", "a \"b\" \\ \n").set("none", {});
  Config config("keras.layers", "Some");
  config.set("number", 3).set("real", 1.0).set("small", 1e-7).set("flag", true);
  config.set("list", std::vector<double>{0.5, 2}).set("shape", Shape{kUnknown, 3}).set("inner", inner);
  EXPECT_EQ(config.to_json(),
            R"({"module": "keras.layers", "class_name": "Some", "config": {"number": 3, "real": 1.0, "small": 1e-07, )"
            R"("flag": true, "list": [0.5, 2.0], "shape": [null, 3], "inner": {"text": "a \"b\" \\ \u000a", )"
            R"("none": null}}, "registered_name": null})");
  EXPECT_EQ(config.find("missing"), nullptr);
}

}  // namespace
}  // namespace keratin
