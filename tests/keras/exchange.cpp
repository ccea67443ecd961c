// The C++ half of ./dev test-keras (scripts/keras/check_exchange.py): models cross between Keras and Keratin.
//
//   keratin_keras_exchange run FOLDER...    each folder has model.keras or model.h5, and data.h5 (x0, ..., y0, ...):
//       loads and predicts, saves the model again (back.*), trains five steps, saves what came out
//       (trained.*.weights.h5) and the numbers (results.*.h5)
//   keratin_keras_exchange step FOLDER...   the same folders, for large models (scripts/keras/check_applications.py):
//       loads model.keras, predicts, trains one step and saves the numbers (results.keras.h5)
//   keratin_keras_exchange write FOLDER     a model for each layer, with an input and its prediction
#include <algorithm>
#include <filesystem>
#include <iostream>

#include "keratin/io/detail/hdf5_reader.h"
#include "keratin/io/detail/hdf5_writer.h"
#include "keratin/keratin.h"
#include "tests/layers/golden_layers.h"

namespace keratin {
namespace {

namespace fs = std::filesystem;

TensorList load_all(detail::H5Reader& reader, const std::string& prefix) {
  TensorList result;
  for (int i = 0; reader.root().find(prefix + std::to_string(i)); ++i) {
    result.push_back(reader.load(prefix + std::to_string(i)));
  }
  return result;
}

TensorList rows(const TensorList& tensors, std::int64_t begin, std::int64_t end) {
  TensorList result;
  for (const Tensor& tensor : tensors) result.push_back(tensor.rows(begin, end));
  return result;
}

void store(detail::H5Node& root, const std::string& prefix, const std::vector<Tensor>& tensors) {
  for (std::size_t i = 0; i < tensors.size(); ++i) root.dataset(prefix + std::to_string(i), tensors[i]);
}

void run(const fs::path& folder, const std::string& extension) {
  const std::string base = folder.string() + "/";
  detail::H5Reader reader(base + "data.h5");
  const TensorList x = load_all(reader, "x"), y = load_all(reader, "y");
  Model model = load_model(base + "model" + extension);
  detail::H5Node results;
  store(results, "prediction", model.predict_all(x));
  model.save(base + "back" + extension);
  if (model.compiled() && !y.empty()) {
    // By name, as Keras sorts them; numbers of one metric stay in their order.
    const Logs logs = model.evaluate(x, y, {.batch_size = 8, .verbose = 0});
    std::vector<std::pair<std::string, double>> items(logs.begin(), logs.end());
    std::stable_sort(items.begin(), items.end(), [](const auto& a, const auto& b) {
      return a.first.substr(0, a.first.find('[')) < b.first.substr(0, b.first.find('['));
    });
    std::vector<float> evaluation;
    for (const auto& [name, value] : items) evaluation.push_back(static_cast<float>(value));
    results.dataset("evaluation0", Tensor({static_cast<std::int64_t>(evaluation.size())}, evaluation));
    constexpr int kSteps = 5;
    Tensor losses({kSteps});
    const std::int64_t batch = x[0].shape()[0] / kSteps;
    for (int step = 0; step < kSteps; ++step) {
      const std::int64_t begin = step * batch;
      const Logs logs = model.train_on_batch(rows(x, begin, begin + batch), rows(y, begin, begin + batch));
      losses.values<float>()[static_cast<std::size_t>(step)] = static_cast<float>(logs["loss"]);
    }
    results.dataset("losses", losses);
    model.save_weights(base + "trained" + extension + ".weights.h5");
    store(results, "trained_prediction", model.predict_all(x));
  }
  detail::write_hdf5(base + "results" + extension + ".h5", results);
}

void step(const fs::path& folder) {
  const std::string base = folder.string() + "/";
  detail::H5Reader reader(base + "data.h5");
  const TensorList x = load_all(reader, "x"), y = load_all(reader, "y");
  Model model = load_model(base + "model.keras");
  detail::H5Node results;
  store(results, "prediction", model.predict_all(x));
  results.dataset("losses", Tensor({1}, {static_cast<float>(model.train_on_batch(x, y)["loss"])}));
  store(results, "trained_prediction", model.predict_all(x));
  detail::write_hdf5(base + "results.keras.h5", results);
}

// Shapes of a sample that the layer takes: one for each input.
std::vector<Shape> sample_shapes(const std::string& name) {
  if (name == "add") return {{3, 4}, {3, 4}, {4}};
  if (name == "subtract" || name == "minimum" || name == "concatenate" || name == "custom_scale_layer") {
    return {{3}, {3}};
  }
  if (name == "multiply" || name == "average" || name == "maximum") return {{3}, {3}, {3}};
  if (name == "concatenate_axis") return {{3, 2}, {1, 2}};
  if (name == "lstm_initial_state") return {{5, 2}, {2}, {2}};
  if (name == "conv_lstm2d_initial_state") return {{2, 3, 3, 1}, {2, 2, 1}, {2, 2, 1}};
  if (name == "gru_initial_state") return {{5, 2}, {2}};
  if (name == "normalization_given") return {{3, 2}};
  if (name == "random_crop") return {{4, 3, 2}};  // of other sizes, Keras predicts from the whole image
  for (const char* colors : {"random_grayscale", "random_saturation", "random_hue", "random_color"}) {
    if (name.starts_with(colors)) return {{4, 3, 3}};
  }
  if (name == "mha_mask") return {};
  if (name == "mha_axes" || name == "mha_all_axes") return {{3, 4, 2}, {3, 2, 2}};
  if (name.starts_with("mha") || name.starts_with("group_query") || name.find("attention") != std::string::npos) {
    return {{3, 4}, {5, 4}};
  }
  if (name.ends_with("_reverse")) return {{4, 3}};
  if (name == "dot") return {{4}, {4}};
  if (name == "dot_axes") return {{3, 4}, {4, 5}};
  if (name == "dot_normalized") return {{3, 4}, {2, 4}};
  return {};
}

void write(const fs::path& folder) {
  for (const auto& [name, layer] : testing::golden_layers()) {
    const std::string base = (folder / name).string() + "/";
    std::vector<std::vector<Shape>> choices = {sample_shapes(name)};
    if (choices[0].empty()) choices = {{{12}}, {{3, 4}}, {{8, 4}}, {{8, 8, 4}}, {{5, 6, 4, 4}}, {{3, 5, 6, 4, 4}}};
    for (const std::vector<Shape>& shapes : choices) {
      Values inputs, outputs;
      try {
        for (const Shape& shape : shapes) inputs.push_back(Input(shape));
        // With JAX, Keras computes other sizes of values than of keys only where it shows the weights.
        outputs = layer.call(inputs,
                             {.return_attention_scores = name == "mha_options", .reverse = name.ends_with("_reverse")});
      } catch (const InvalidArgument&) {
        continue;  // a layer for inputs of another rank
      }
      fs::create_directories(folder / name);
      TensorList x;
      for (const Value& input : inputs) {
        Tensor values(Shape{2}.concat(input.shape().slice(1, input.rank())));
        float value = -1;
        for (float& element : values.values<float>()) value = element = value > 0.9f ? -0.93f : value + 0.17f;
        if (layer.impl().index_limit() > 0) {
          for (float& element : values.values<float>()) element = element > 0 ? 2.0f : 1.0f;
        }
        x.push_back(values);
      }
      Model model(inputs, outputs);
      for (Variable& variable : model.variables()) {
        Tensor values(variable.shape());
        float value = 0;
        for (float& element : values.values<float>()) value = element = value > 0.8f ? 0.07f : value + 0.11f;
        variable.assign(values.astype(variable.dtype()));
      }
      detail::H5Node data;
      for (std::size_t i = 0; i < x.size(); ++i) data.dataset("x" + std::to_string(i), x[i]);
      store(data, "prediction", model.predict_all(x));
      detail::write_hdf5(base + "data.h5", data);
      model.save(base + "model.keras");
      model.save(base + "model.h5");
      break;
    }
  }
}

int main(int count, char** arguments) {
  const std::vector<std::string> words(arguments + 1, arguments + count);
  if (words.size() == 2 && words[0] == "write") {
    write(words[1]);
    return 0;
  }
  if (words.size() < 2 || (words[0] != "run" && words[0] != "step")) {
    std::cerr << "usage: keratin_keras_exchange run FOLDER... | step FOLDER... | write FOLDER\n";
    return 2;
  }
  int failures = 0;
  for (std::size_t i = 1; i < words.size(); ++i) {
    for (const char* extension : {".keras", ".h5"}) {
      if (!fs::exists(words[i] + "/model" + extension)) continue;
      try {
        if (words[0] == "run") {
          run(words[i], extension);
        } else {
          step(words[i]);
        }
      } catch (const std::exception& error) {
        std::cerr << words[i] << ": " << error.what() << "\n";
        ++failures;
      }
    }
  }
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace keratin

int main(int count, char** arguments) { return keratin::main(count, arguments); }
