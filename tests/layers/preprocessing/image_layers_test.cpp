// Layers that prepare and augment images: what they do at random in training, and the ops they stand on. What they
// compute is in the goldens.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

#include "keratin/core/ops/color.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/image.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/core/training/model.h"
#include "keratin/layers/layers.h"
#include "tests/io/temporary_folder.h"
#include "tests/support/check_layer.h"
#include "tests/support/expect_error.h"
#include "tests/support/layer_program.h"
#include "tests/support/modules.h"

namespace keratin {
namespace {

using testing::check_layer;
using testing::CheckLayerOptions;
using testing::expect_error;
using testing::LayerProgram;

// 0, 1, 2, ...
Tensor counted(const Shape& shape, double step = 1) {
  Tensor result(shape, DType::float64);
  for (std::size_t i = 0; i < result.values<double>().size(); ++i) {
    result.values<double>()[i] = static_cast<double>(i) * step;
  }
  return result;
}

std::vector<double> list(const Tensor& x) { return x.astype(DType::float64).to_vector<double>(); }

// Image `i` of a batch.
std::vector<double> image(const Tensor& batch, std::int64_t i) { return list(batch.rows(i, i + 1)); }

TEST(ImageLayers, DoWhatLayersDo) {
  const CheckLayerOptions same = {.output = {2, 3, 4, 1}, .wrong = {2, 3}, .wrong_says = "rank 4"};
  CheckLayerOptions random = same;
  random.phases_differ = true;
  const std::vector<Shape> images = {{2, 3, 4, 1}};
  CheckLayerOptions resized = same;
  resized.output = {2, 5, 2, 1};
  check_layer([] { return Resizing(5, 2); }, images, resized);
  check_layer([] { return Resizing(5, 2, {.interpolation = "nearest"}); }, images, resized);
  check_layer([] { return CenterCrop(5, 2); }, images, resized);
  check_layer([] { return RandomCrop(5, 2, {.seed = 1}); }, images, resized);
  resized.output = {2, 2, 2, 1};
  resized.phases_differ = true;
  check_layer([] { return RandomCrop(2, 2, {.seed = 1}); }, images, resized);
  check_layer([] { return RandomFlip("vertical", {.seed = 2}); }, images, random);
  check_layer([] { return RandomRotation(0.5, {.seed = 1}); }, images, random);
  check_layer([] { return RandomTranslation(0.5, {0.25, 0.5}, {.fill_mode = "wrap", .seed = 1}); }, images, random);
  check_layer([] { return RandomZoom(0.5, {.fill_mode = "constant", .seed = 1}); }, images, random);
  check_layer([] { return RandomContrast(0.5, {.value_range = {-9, 9}, .seed = 1}); }, images, random);
  check_layer([] { return RandomBrightness(0.5, {.value_range = {-9, 9}, .seed = 1}); }, images, random);
  check_layer([] { return RandomErasing({1, 1}, {.seed = 1}); }, images, random);
  check_layer([] { return RandomInvert({1, 1}); }, images, random);
  check_layer([] { return Solarization({.addition_factor = 0.5, .value_range = {-9, 9}, .seed = 1}); }, images, random);
  check_layer([] { return RandomShear({.x_factor = {0.5, 1}, .fill_mode = "constant", .seed = 1}); }, images, random);
  check_layer([] { return AutoContrast(); }, images, same);
  CheckLayerOptions colors = random;
  colors.output = {1, 2, 2, 3};
  colors.wrong = {1, 2, 2, 2};
  colors.wrong_says = "3 channels (red, green, blue), got (1, 2, 2, 2)";
  const std::vector<Shape> colored = {{1, 2, 2, 3}};
  check_layer([] { return RandomGrayscale(1); }, colored, colors);
  check_layer([] { return RandomColorDegeneration({0.5, 1}, {.value_range = {-9, 9}}); }, colored, colors);
  check_layer([] { return RandomHue(0.5, {.value_range = {-2, 2}, .seed = 1}); }, colored, colors);
  check_layer([] { return RandomSaturation({0.1, 0.4}, {.value_range = {0, 9}, .seed = 1}); }, colored, colors);
  check_layer(
      [] {
        return RandomColorJitter({.value_range = {-2, 2}, .contrast_factor = 0.5, .hue_factor = 0.5});
      },
      colored, colors);
  check_layer([] { return CategoryEncoding(5); }, {{2, 3}},
              {.output = {2, 5}, .dtype = DType::int32, .ids = 5, .wrong = {2, 3, 1}, .wrong_says = "rank 2 (n, k)"});
  EXPECT_EQ(Resizing(3, 5)(Input({kUnknown, kUnknown, 3})).shape(), (Shape{kUnknown, 3, 5, 3}));
  EXPECT_EQ(CategoryEncoding(4, {.output_mode = "one_hot"})(Input({1})).shape(), (Shape{kUnknown, 4}));
}

TEST(ImageLayers, RefuseNonsense) {
  struct Case {
    std::function<void()> make;
    const char* says;
  };
  for (const Case& c : std::vector<Case>{
           {[] { Resizing(0, 3); }, "Resizing: height must be positive, got 0"},
           {[] { Resizing(2, 3, {.interpolation = "bilinaer"}); }, "did you mean 'bilinear'"},
           {[] { Resizing(2, 3, {.crop_to_aspect_ratio = true, .pad_to_aspect_ratio = true}); }, "exclude each other"},
           {[] { Resizing(2, 3, {.fill_mode = "wrap"}); }, "Resizing: fill_mode must be 'constant', got 'wrap'"},
           {[] { CenterCrop(2, -3); }, "CenterCrop: width must be positive"},
           {[] { RandomCrop(0, 2); }, "RandomCrop: height must be positive"},
           {[] { RandomFlip("horizontale"); }, "did you mean 'horizontal'"},
           {[] { RandomRotation(1.5); }, "RandomRotation: factor must lie between -1 and 1, got 1.5"},
           {[] { RandomRotation(0.5, {.fill_mode = "mirror"}); }, "RandomRotation: fill_mode must be 'constant', "},
           {[] {
              RandomTranslation(0.5, {-2, 0.5});
            },
            "width_factor must lie between -1 and 1, got {-2, 0.5}"},
           {[] {
              RandomZoom({-1, 0});
            },
            "RandomZoom: height_factor must be more than -1"},
           {[] { RandomZoom(0.5, {.interpolation = "bicubic"}); }, "'bilinear' or 'nearest', got 'bicubic'"},
           {[] { RandomContrast(2); }, "RandomContrast: factor must lie between 0 and 1, got 2"},
           {[] {
              RandomBrightness({0.5, 1.5});
            },
            "RandomBrightness: factor must lie between -1 and 1, got {0.5, 1.5}"},
           {[] {
              RandomErasing(0.5, {.scale = {-1, 1}});
            },
            "RandomErasing: scale must lie between 0 and 1"},
           {[] {
              RandomErasing(0.5, {.fill_value = {1, 2}})(Value(Tensor({1, 2, 2, 3})));
            },
            "fill_value has 2 numbers"},
           {[] { RandomGrayscale(2); }, "RandomGrayscale: factor must lie between 0 and 1, got 2"},
           {[] { RandomShear({.x_factor = -0.5}); }, "RandomShear: x_factor must lie between 0 and 1, got -0.5"},
           {[] { RandomColorJitter({.hue_factor = 2}); }, "RandomHue: factor must lie between 0 and 1, got 2"},
           {[] { Solarization({.addition_factor = 2}); }, "Solarization: addition_factor must lie between 0 and 1"},
           {[] {
              ops::image::rgb_to_hsv(Value(Tensor({2, 2})));
            },
            "the last axis must have size 3"},
           {[] { CategoryEncoding(0); }, "CategoryEncoding: num_tokens must be positive"},
           {[] { CategoryEncoding(3, {.output_mode = "multihot"}); }, "did you mean 'multi_hot'"},
           {[] {
              ops::flip(Value(Tensor({2, 3})), {2});
            },
            "flip: axis 2 is out of range for rank 2"},
           {[] {
              ops::image::resize(Value(Tensor({2, 3})), 2, 2);
            },
            "resize: images must have four axes"},
           {[] {
              ops::image::resize(Value(Tensor({1, 9000, 1, 1})), 8000, 2);
            },
            "too much memory"},
           {[] {
              ops::image::sample(Value(Tensor({1, 2, 2, 1})), Value(Tensor({1, 2})), {});
            },
            "three axes"},
           {[] {
              ops::image::affine_transform(Value(Tensor({2, 2, 2, 1})), Value(Tensor({2, 8})));
            },
            "(2, 6) or (1, 6)"},
       }) {
    expect_error<InvalidArgument>(c.make, {c.says});
  }
}

TEST(ImageOps, FlipAndSample) {
  const Tensor x = counted({1, 2, 3, 1});
  EXPECT_EQ(list(ops::flip(x, {1, -2})), (std::vector<double>{5, 4, 3, 2, 1, 0}));
  EXPECT_EQ(list(ops::flip(counted({2, 2}), {0})), (std::vector<double>{2, 3, 0, 1}));
  const Tensor identity({1, 6}, {1.0, 0.0, 0.0, 0.0, 1.0, 0.0});
  EXPECT_EQ(list(ops::image::affine_transform(x, identity)), list(x));
  // The same places, as rows and columns and one by one.
  const Tensor rows({1, 2, 1}, {-0.75, 1.5}), columns({1, 1, 4}, {-1.0, 0.25, 1.75, 2.5});
  const Shape each = {1, 2, 4};
  for (const char* mode : {"constant", "nearest", "reflect", "wrap"}) {
    const ops::image::SampleOptions options = {.fill_mode = mode, .fill_value = 10};
    const std::vector<double> separate = list(ops::image::sample(x, rows, columns, options));
    const std::vector<double> together =
        list(ops::image::sample(x, ops::broadcast_to(rows, each), ops::broadcast_to(columns, each), options));
    ASSERT_EQ(separate.size(), 8u);
    for (std::size_t i = 0; i < 8; ++i) EXPECT_NEAR(separate[i], together[i], 1e-12) << mode << " " << i;
  }
  // Row -0.75 has a quarter of row 0, (0, 1, 2), and column 0.25 a quarter of the way from 0 to 1.
  EXPECT_NEAR(list(ops::image::sample(x, rows, columns, {.fill_value = 10}))[1], 0.25 * 0.25 + 0.75 * 10, 1e-12);
}

// As Keras: images of bytes stay bytes when they are resized, and are floating behind all others.
TEST(ImageLayers, TakeBytes) {
  const Tensor bytes = counted({1, 2, 2, 1}, 80).astype(DType::uint8);  // 0, 80, 160, 240
  const Tensor larger = Resizing(2, 3)(bytes);
  EXPECT_EQ(larger.dtype(), DType::uint8);
  EXPECT_EQ(list(larger), (std::vector<double>{0, 40, 80, 160, 200, 240}));
  // Lanczos overshoots.
  for (double value : list(Resizing(5, 5, {.interpolation = "lanczos3"})(bytes))) EXPECT_LE(value, 255);
  EXPECT_EQ(Tensor(RandomFlip()(bytes)).dtype(), DType::float32);
  EXPECT_EQ(Tensor(CenterCrop(1, 1)(bytes)).dtype(), DType::float32);
  EXPECT_EQ(list(RandomContrast(0.5)(bytes)), list(bytes));
}

// Keras writes training=True at every call of these layers, whatever the program says: predict decides, as there.
TEST(ImageLayers, FilesDoNotMakeThemTrain) {
  const testing::TemporaryFolder folder;
  Input input({2, 2, 1});
  Model(input, RandomBrightness({1, 1})(input, {.training = true})).save(folder.path("model.keras"));
  const Tensor x = counted({1, 2, 2, 1}).astype(DType::float32);
  EXPECT_EQ(list(load_model(folder.path("model.keras")).predict(x)), list(x));
}

class RandomImages : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::have_modules()) GTEST_SKIP() << "a static build has no backend modules";
  }
  static Tensor trained(const Layer& layer, const Tensor& x, std::int64_t step = 0, Phase phase = Phase::train) {
    LayerProgram program(layer, {{x.shape(), x.dtype()}}, phase, testing::reference_device());
    program.set_step(step);
    return program.run({x}, Tensor(program.output().shape, DType::float64)).output;
  }
};

TEST_F(RandomImages, DependOnSeedAndStepOnly) {
  const Tensor x = counted({20, 4, 5, 3});
  const std::vector<std::function<Layer(std::uint64_t)>> makers = {
      [](std::uint64_t seed) { return RandomFlip("horizontal", {.seed = seed}); },
      [](std::uint64_t seed) { return RandomRotation(0.5, {.seed = seed}); },
      [](std::uint64_t seed) { return RandomTranslation(0.5, 0.5, {.seed = seed}); },
      [](std::uint64_t seed) { return RandomZoom(0.5, {.seed = seed}); },
      [](std::uint64_t seed) {
        return RandomContrast(0.5, {.value_range = {-1e4, 1e4}, .seed = seed});
      },
      [](std::uint64_t seed) {
        return RandomBrightness(0.5, {.value_range = {-1e4, 1e4}, .seed = seed});
      },
      [](std::uint64_t seed) {
        return RandomErasing({1, 1}, {.seed = seed});
      },
  };
  for (const auto& make : makers) {
    SCOPED_TRACE(make(1).class_name());
    const auto first = list(trained(make(1), x));
    EXPECT_EQ(list(trained(make(1), x)), first);
    EXPECT_NE(list(trained(make(2), x)), first);
    EXPECT_NE(list(trained(make(1), x, 1)), first);
    EXPECT_EQ(list(trained(make(1), x, 0, Phase::predict)), list(x));
    // Each image has numbers of its own.
    Tensor alike({4, 2, 2, 3}, DType::float64);
    for (std::size_t i = 0; i < 48; ++i) alike.values<double>()[i] = static_cast<double>(i % 12 * 5 % 7 * 100);
    const Tensor y = trained(make(3), alike);
    std::set<std::vector<double>> different;
    for (std::int64_t i = 0; i < 4; ++i) different.insert(image(y, i));
    EXPECT_GT(different.size(), 1u);
  }
}

TEST_F(RandomImages, AboutHalfAreOneOrTheOther) {
  Tensor x({400, 2, 3, 3}, DType::float64);
  for (std::size_t i = 0; i < x.values<double>().size(); ++i) x.values<double>()[i] = static_cast<double>(i * 7 % 251);
  const Value grey = ops::repeat(ops::image::rgb_to_grayscale(x), 3, 3);
  const auto slanted = [&](double shear) {
    return ops::image::affine_transform(x, Tensor({1, 6}, {1.0, shear, 0.0, 0.0, 1.0, 0.0}), {.fill_mode = "reflect"});
  };
  struct Case {
    Layer layer;
    Value one, other;
  };
  for (const Case& c : std::vector<Case>{
           {RandomFlip("horizontal", {.seed = 4}), x, ops::flip(x, {2})},
           {RandomFlip("vertical", {.seed = 4}), x, ops::flip(x, {1})},
           {RandomFlip("horizontal_and_vertical", {.seed = 4}), x, ops::flip(x, {1, 2})},
           {RandomGrayscale(0.5, {.seed = 4}), x, grey},
           {RandomInvert({0.5, 0.5}, {.seed = 4}), x, 255.0 - Value(x)},
           {RandomShear({.x_factor = {0.5, 0.5}, .seed = 4}), slanted(0.5), slanted(-0.5)},
       }) {
    SCOPED_TRACE(c.layer.class_name());
    const Tensor y = trained(c.layer, x), one = c.one, other = c.other;
    int turned = 0;
    for (std::int64_t i = 0; i < 400; ++i) {
      const auto distance = [&](const Tensor& from) {
        const std::vector<double> a = image(y, i), b = image(from, i);
        double most = 0;
        for (std::size_t j = 0; j < a.size(); ++j) most = std::max(most, std::abs(a[j] - b[j]));
        return most;
      };
      turned += distance(other) < 1e-4 ? 1 : 0;
      ASSERT_LT(std::min(distance(one), distance(other)), 1e-4) << i;
    }
    EXPECT_NEAR(turned, 200, 50);  // five standard deviations
  }
}

// The values drawn reach the whole range, and no further.
TEST_F(RandomImages, ColorsStayInTheirRange) {
  Tensor x({500, 1, 2, 1}, DType::float64);
  for (std::size_t i = 0; i < 1000; ++i) x.values<double>()[i] = i % 2 == 0 ? 90 : 110;
  const Tensor darker = trained(RandomBrightness({-0.25, 0.125}, {.value_range = {0, 200}, .seed = 1}), x);
  const Tensor flatter = trained(RandomContrast({0.5, 0.25}, {.seed = 1}), x);
  double least = 1e9, most = -1e9, weakest = 1e9, strongest = -1e9;
  for (std::size_t i = 0; i < 1000; i += 2) {
    const double *b = darker.values<double>().data() + i, *c = flatter.values<double>().data() + i;
    least = std::min(least, b[0] - 90);
    most = std::max(most, b[0] - 90);
    EXPECT_NEAR(b[1] - b[0], 20, 1e-9);  // one number for the image
    const double contrast = (c[1] - c[0]) / 20;
    EXPECT_NEAR(c[0] + c[1], 200, 1e-9);  // the mean stays
    weakest = std::min(weakest, contrast);
    strongest = std::max(strongest, contrast);
  }
  EXPECT_TRUE(least >= -50 && least < -48 && most <= 25 && most > 23) << least << " " << most;
  // Factors are sorted: from 1 - 0.25 to 1 + 0.5.
  EXPECT_TRUE(weakest >= 0.75 && weakest < 0.77 && strongest <= 1.5 && strongest > 1.48) << weakest << " " << strongest;
  const Tensor clipped = trained(RandomBrightness({1, 1}, {.value_range = {0, 100}}), x);
  for (double value : list(clipped)) EXPECT_EQ(value, 100);
}

// What is below an image's threshold stays, the rest is turned around.
TEST_F(RandomImages, SolarizationHasAThreshold) {
  const Tensor x = counted({20, 4, 4, 1}, 0.79);  // 0 to 252
  const Tensor y = trained(Solarization({.threshold_factor = 1, .seed = 1}), x);
  for (std::int64_t i = 0; i < 20; ++i) {
    double kept = -1, turned = 256;
    for (std::size_t j = 0; j < 16; ++j) {
      const double before = image(x, i)[j], after = image(y, i)[j];
      if (before == after) kept = std::max(kept, before);
      if (before != after) turned = std::min(turned, before);
      ASSERT_TRUE(before == after || std::abs(255 - before - after) < 1e-9);
    }
    EXPECT_LT(kept, turned);
  }
}

TEST_F(RandomImages, CropTakesOneWindowForTheBatch) {
  const Tensor x = counted({2, 4, 6, 1});
  std::set<double> corners;
  for (std::int64_t step = 0; step < 200; ++step) {
    const Tensor y = trained(RandomCrop(3, 4, {.seed = 5}), x, step);
    const double corner = y.at({0, 0, 0, 0});
    corners.insert(corner);
    for (std::int64_t i = 0; i < 2 * 3 * 4; ++i) {
      const std::int64_t n = i / 12, row = i / 4 % 3, column = i % 4;
      ASSERT_EQ(y.at({n, row, column, 0}), corner + static_cast<double>(n * 24 + row * 6 + column));
    }
  }
  EXPECT_EQ(corners, (std::set<double>{0, 1, 2, 6, 7, 8}));
  const Layer resizing = Resizing(3, 4, {.crop_to_aspect_ratio = true});
  EXPECT_EQ(list(trained(RandomCrop(3, 4), x, 0, Phase::predict)), list(trained(resizing, x)));
  const Tensor narrow = counted({1, 5, 2, 1});
  EXPECT_EQ(list(trained(RandomCrop(3, 4), narrow)), list(trained(resizing, narrow)));
}

TEST_F(RandomImages, ErasingFillsRectangles) {
  const Tensor x = Tensor::full({400, 8, 10, 2}, 5, DType::float64);
  const Tensor y = trained(RandomErasing({0.5, 0.5}, {.scale = {0.1, 0.5}, .fill_value = {7, 300}, .seed = 2}), x);
  int erased = 0;
  for (std::int64_t n = 0; n < 400; ++n) {
    std::set<std::int64_t> rows, columns;
    int pixels = 0;
    for (std::int64_t i = 0; i < 80; ++i) {
      const double first = y.at({n, i / 10, i % 10, 0}), second = y.at({n, i / 10, i % 10, 1});
      ASSERT_TRUE((first == 5 && second == 5) || (first == 7 && second == 255));  // 300 is cut off
      if (first == 5) continue;
      rows.insert(i / 10);
      columns.insert(i % 10);
      ++pixels;
    }
    if (pixels == 0) continue;
    ++erased;
    EXPECT_EQ(static_cast<int>(rows.size() * columns.size()), pixels);
    EXPECT_EQ(*rows.rbegin() - *rows.begin() + 1, static_cast<std::int64_t>(rows.size()));
    EXPECT_EQ(*columns.rbegin() - *columns.begin() + 1, static_cast<std::int64_t>(columns.size()));
    // Sides between the roots of 0.1 and 0.5 of the image's, and a pixel more or less.
    EXPECT_TRUE(rows.size() >= 2 && rows.size() <= 6 && columns.size() >= 3 && columns.size() <= 8);
  }
  EXPECT_NEAR(erased, 200, 50);
  const std::vector<double> noise = list(trained(RandomErasing({1, 1}, {.scale = {1, 1}, .value_range = {0, 1}}), x));
  EXPECT_NEAR(static_cast<double>(std::count(noise.begin(), noise.end(), 0.0)), 32000, 1000);  // of 64000
}

}  // namespace
}  // namespace keratin
