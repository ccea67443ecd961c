// Mutated model files: whatever the bytes, loading gives a model or a FileError, soon and in little memory. The test
// of few mutations runs always; KERATIN_MUTATIONS (20000 in .ci/full) sets how many the slow one makes of each format.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <random>

#include "keratin/io/detail/hdf5_reader.h"
#include "keratin/io/detail/hdf5_writer.h"
#include "keratin/io/detail/json_config.h"
#include "keratin/io/detail/keras_weights.h"
#include "keratin/io/detail/zip_archive.h"
#include "tests/build_paths.h"
#include "tests/io/temporary_folder.h"
#include "tests/support/small_models.h"

namespace keratin {
namespace {

Model sample_model() {
  set_random_seed(1);
  Input x({6, 6, 2}, {.name = "x"});
  Value y = Conv2D(3, 3, {.padding = "same", .activation = "relu"})(ZeroPadding2D({{1, 0}, {2, 1}})(x));
  y = UpSampling2D(2, {.interpolation = "bilinear"})(BatchNormalization()(y));
  y = Concatenate()({Flatten()(MaxPooling2D(2)(y)), Reshape({-1})(Cropping2D(1)(y))});
  Sequential head({Input({y.shape()[-1]}), Dense(3, {.activation = "softmax", .kernel_regularizer = "l2"})});
  Model model(x, head(y));
  model.compile(optimizers::Adam({.learning_rate = schedules::CosineDecay(0.1, 10)}), "sparse_categorical_crossentropy",
                {"accuracy"});
  return model;
}

// True when it could be loaded. Anything but the errors files may give leaves the test as a failure.
bool loads(const std::string& path) {
  try {
    Model model = load_model(path);
    for (const Tensor& weight : model.get_weights()) EXPECT_LT(weight.size(), std::int64_t{1} << 24);
    return true;
  } catch (const FileError& error) {
    EXPECT_LT(std::strlen(error.what()), 100'000u);
    return false;
  }
}

class Mutations {
 public:
  explicit Mutations(int count) : count_(count) {
    set_log_handler([](LogLevel, std::string_view) {});
    ::getrusage(RUSAGE_SELF, &before_);
  }
  ~Mutations() {
    set_log_handler({});
    rusage after{};
    ::getrusage(RUSAGE_SELF, &after);
    EXPECT_LT(longest_, 5.0) << "seconds for one file";
#ifndef __SANITIZE_ADDRESS__  // it keeps freed memory
    EXPECT_LT(after.ru_maxrss - before_.ru_maxrss, 400 * 1024) << "KiB";
#endif
  }

  // `count` mutations of `bytes`, handed to `check`.
  template <class Check>
  void of(const std::string& bytes, Check&& check) {
    constexpr std::array<unsigned char, 6> kLikely{0, 1, 0x7f, 0x80, 0xfe, 0xff};
    for (int i = 0; i < count_; ++i) {
      std::string changed = bytes;
      for (auto left = i % 2 == 0 ? 1 : 2 + random_() % 7; left > 0; --left) {
        const auto value = random_() % 2 == 0 ? kLikely[random_() % kLikely.size()] : random_() % 256;
        changed[random_() % changed.size()] = static_cast<char>(value);
      }
      if (i % 16 == 0) changed.resize(random_() % changed.size());
      timed([&] { check(changed); });
    }
  }

  // The same for JSON: digits, words and brackets are exchanged, so that much of it stays JSON.
  template <class Check>
  void of_json(const std::string& text, Check&& check) {
    const std::vector<std::string> pieces = {"0",  "-1", "9",     "99999999", "2147483647", "1e308",  "null", "true",
                                             "[]", "{}", "\"\"",  "[",        "]",          "{",      "}",    ",",
                                             ":",  "\"", "false", "1.5",      "\"same\"",   "[1, 2]", "64",   "4096"};
    std::vector<std::size_t> tokens;  // where a number, a word or a bracket begins
    for (std::size_t i = 1; i < text.size(); ++i) {
      if (std::strchr("[]{},: \"", text[i - 1]) && text[i] != ' ') tokens.push_back(i);
    }
    for (int i = 0; i < count_; ++i) {
      std::string changed = text;
      for (auto left = 1 + random_() % 3; left > 0; --left) {
        const std::size_t at = std::min(tokens[random_() % tokens.size()], changed.size() - 1);
        const std::size_t end = changed.find_first_of(",]}: ", at + 1);
        const std::size_t length = end == std::string::npos ? 1 : end - at;
        const std::string piece = pieces[random_() % pieces.size()];
        if (random_() % 8 == 0) {
          changed.insert(at, piece);
        } else {
          changed.replace(at, length, piece);
        }
      }
      timed([&] { check(changed); });
    }
  }

 private:
  template <class Run>
  void timed(Run&& run) {
    const auto start = std::chrono::steady_clock::now();
    run();
    longest_ = std::max(longest_, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }

  int count_;
  std::mt19937 random_{20240501};
  rusage before_{};
  double longest_ = 0;
};

void mutate_everything(int count) {
  testing::TemporaryFolder folder;
  const std::string keras = folder.path("m.keras"), legacy = folder.path("m.h5"), weights = folder.path("m.weights.h5");
  const Model model = sample_model();
  model.save(keras);
  model.save(legacy);
  model.save_weights(weights);
  ASSERT_TRUE(loads(keras));
  ASSERT_TRUE(loads(legacy));
  const std::string keras_bytes = testing::read_file(keras), legacy_bytes = testing::read_file(legacy);
  const std::string weight_bytes = testing::read_file(weights);
  const detail::H5Buffer config = detail::ZipReader(keras).read("config.json");
  const std::string json(reinterpret_cast<const char*>(config.data()), config.size());
  const detail::H5Buffer inner = detail::ZipReader(keras).read("model.weights.h5");

  Mutations mutations(count);
  mutations.of(keras_bytes, [&](const std::string& bytes) {
    testing::write_file(keras, bytes);
    loads(keras);
  });
  mutations.of(legacy_bytes, [&](const std::string& bytes) {
    testing::write_file(legacy, bytes);
    loads(legacy);
  });
  Model target = sample_model();
  mutations.of(weight_bytes, [&](const std::string& bytes) {
    testing::write_file(weights, bytes);
    try {
      target.load_weights(weights);
    } catch (const FileError&) {
    }
  });
  // A checksum guards the members of an archive: the configuration is mutated before it is put into one.
  const auto loads_with = [&](const std::string& text) {
    const std::pair<std::string, std::span<const std::byte>> members[] = {
        {"config.json", std::as_bytes(std::span(text.data(), text.size()))}, {"model.weights.h5", inner}};
    detail::write_zip(keras, members);
    return loads(keras);
  };
  ASSERT_TRUE(loads_with(json));  // what is refused below is refused for its mutation
  int loaded = 0;
  mutations.of_json(json, [&](const std::string& text) { loaded += loads_with(text) ? 1 : 0; });
  EXPECT_LT(loaded, count);
}

TEST(ModelDamage, FewMutations) { mutate_everything(60); }

TEST(SlowModelDamage, ManyMutations) {
  const char* asked = std::getenv("KERATIN_MUTATIONS");
  mutate_everything(asked ? std::atoi(asked) : 200);
}

}  // namespace
}  // namespace keratin
