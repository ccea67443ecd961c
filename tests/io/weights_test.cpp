// .weights.h5 files: Keras's layout, both ways, and what does not fit.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "keratin/io/detail/hdf5_reader.h"
#include "keratin/io/detail/hdf5_writer.h"
#include "tests/support/expect_error.h"
#include "tests/support/small_models.h"

namespace keratin {
namespace {

using testing::all_weights;
using testing::compiled_model;
using testing::expect_error;
using testing::small_data;
namespace fs = std::filesystem;

class Weights : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("keratin_weights_" + std::to_string(getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string path(const std::string& name) const { return (folder_ / (name + ".weights.h5")).string(); }
  fs::path folder_;
};

TEST_F(Weights, TrainingGoesOnWhereItWasSaved) {
  const auto data = small_data(64);
  Sequential model = compiled_model(1), other = compiled_model(2);
  model.fit(data.x, data.y, {.epochs = 2, .verbose = 0});
  model.save_weights(path("a"));
  other.load_weights(path("a"));
  EXPECT_EQ(all_weights(model), all_weights(other));
  EXPECT_EQ(other.optimizer().iterations(), model.optimizer().iterations());
  for (Sequential* m : {&model, &other}) m->fit(data.x, data.y, {.epochs = 1, .verbose = 0, .shuffle = false});
  EXPECT_EQ(all_weights(model), all_weights(other));  // Adam's moments came along
}

TEST_F(Weights, GroupsAreKerass) {
  set_random_seed(1);
  Sequential model({Input({8, 8, 1}), Conv2D(4, {3, 3}), BatchNormalization(), MaxPooling2D({2, 2}),
                    Conv2D(2, {2, 2}, {.use_bias = false}), Flatten(), Dense(3)},
                   {.name = "net"});
  model.compile("adam", "mse");
  model.save_weights(path("a"));
  detail::H5Reader reader(path("a"));
  const detail::H5Node& root = reader.root();
  EXPECT_EQ(root.find("vars")->string("name"), "net");
  EXPECT_EQ(root.find("layers/conv2d/vars/0")->shape, (Shape{3, 3, 1, 4}));
  EXPECT_EQ(root.find("layers/conv2d/vars/1")->shape, (Shape{4}));
  ASSERT_NE(root.find("layers/batch_normalization/vars/3"), nullptr);
  EXPECT_EQ(root.find("layers/conv2d_1/vars/0")->shape, (Shape{2, 2, 4, 2}));
  EXPECT_EQ(root.find("layers/conv2d_1/vars/1"), nullptr);
  ASSERT_NE(root.find("layers/max_pooling2d/vars"), nullptr);
  EXPECT_EQ(root.find("optimizer/vars/0")->dtype, DType::int32);
  EXPECT_EQ(root.find("layers/dense/vars/0")->dtype, DType::float32);
}

TEST_F(Weights, NestedAndSharedLayers) {
  Dense shared(4);
  Input a({8}), b({8});
  Sequential inner({Input({4}), Dense(2)});
  Model model({a, b}, {inner(Add()({shared(a), shared(b)}))});
  model.save_weights(path("a"));
  detail::H5Reader reader(path("a"));
  EXPECT_NE(reader.root().find("layers/dense/vars/0"), nullptr);
  EXPECT_EQ(reader.root().find("layers/dense_1"), nullptr);
  EXPECT_NE(reader.root().find("layers/sequential/layers/dense/vars/0"), nullptr);
  EXPECT_NE(reader.root().find("layers/input_layer/vars"), nullptr);
  const auto before = all_weights(model);
  for (const Variable& v : model.variables()) const_cast<Variable&>(v).assign(Tensor(v.shape()));
  model.load_weights(path("a"));
  EXPECT_EQ(all_weights(model), before);
}

TEST_F(Weights, DifferencesAreAllNamedAndNothingChanges) {
  Sequential saved({Input({8}), Dense(16), Dense(3), Dense(2)});
  saved.save_weights(path("a"));
  Sequential model({Input({8}), Dense(17), Dense(3)});
  const auto before = all_weights(model);
  expect_error<FileError>([&] { model.load_weights(path("a")); },
                          {"layers/dense/vars/0", "(8, 16)", "(8, 17)", "layers/dense_1/vars/0", "layers/dense_2"});
  EXPECT_EQ(all_weights(model), before);
}

TEST_F(Weights, WrongNumberOfVariables) {
  Sequential saved({Input({8}), Dense(3, {.use_bias = false})});
  saved.save_weights(path("a"));
  Sequential model({Input({8}), Dense(3)});
  expect_error<FileError>([&] { model.load_weights(path("a")); },
                          {"layers/dense", "1 variables in the file, 2 in the model"});
}

TEST_F(Weights, AnotherOptimizersStateIsLeftOut) {
  const auto data = small_data(20);
  Sequential saved = compiled_model(1);
  saved.fit(data.x, data.y, {.verbose = 0});
  saved.save_weights(path("a"));
  Sequential model = testing::small_model(2);
  model.compile("sgd", "sparse_categorical_crossentropy");
  std::string warning;
  set_log_handler([&](LogLevel, std::string_view text) { warning += text; });
  model.load_weights(path("a"));
  set_log_handler({});
  EXPECT_EQ(all_weights(model), all_weights(saved));
  EXPECT_NE(warning.find("optimizer"), std::string::npos);
}

TEST_F(Weights, BadFilesAndPaths) {
  Sequential model = compiled_model();
  expect_error<InvalidArgument>([&] { model.save_weights("model.npz"); }, {".weights.h5"});
  expect_error<FileError>([&] { model.load_weights(path("missing")); }, {"missing.weights.h5"});
  expect_error<FileError>([&] { model.save_weights("/no/such/folder/a.weights.h5"); }, {"/no/such/folder"});
  model.save_weights(path("a"));
  const auto size = fs::file_size(path("a"));
  const auto before = all_weights(model);
  for (const double part : {0.0, 0.1, 0.5, 0.9}) {
    model.save_weights(path("cut"));
    fs::resize_file(path("cut"), static_cast<std::uintmax_t>(static_cast<double>(size) * part));
    expect_error<FileError>([&] { model.load_weights(path("cut")); }, {"cut.weights.h5"});
  }
  EXPECT_EQ(all_weights(model), before);
  Sequential unbuilt({Dense(3)});
  expect_error<InvalidArgument>([&] { unbuilt.save_weights(path("b")); }, {"no weights yet"});
}

// A process killed while it saves leaves the old file or the new one, never half of one.
TEST_F(Weights, AKilledSaveLeavesAWholeFile) {
  Sequential model = compiled_model();
  model.save_weights(path("a"));
  const pid_t child = fork();
  if (child == 0) {
    for (;;) model.save_weights(path("a"));
  }
  usleep(60000);
  kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  Sequential other = compiled_model(8);
  other.load_weights(path("a"));
  EXPECT_EQ(all_weights(other), all_weights(model));
}

}  // namespace
}  // namespace keratin
