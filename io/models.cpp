// Whole models in Keras's files: Model::save and load_model.
#include <chrono>
#include <ctime>

#include "keratin/core/model/config_variant.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/core/tensor/log.h"
#include "keratin/core/training/model_config.h"
#include "keratin/io/detail/hdf5_writer.h"
#include "keratin/io/detail/json_config.h"
#include "keratin/io/detail/keras_weights.h"
#include "keratin/io/detail/legacy_weights.h"
#include "keratin/io/detail/zip_archive.h"

namespace keratin {
namespace {

// Every Keras 3 reads what is written here; the number says the oldest.
constexpr const char* kWrittenAs = "3.0.0";
constexpr const char* kConfigMember = "config.json";
constexpr const char* kWeightsMember = "model.weights.h5";

bool is_legacy_name(const std::string& path) { return path.ends_with(".h5") || path.ends_with(".hdf5"); }

// The compile configuration, or null with a warning: the model itself can be saved all the same.
ConfigValue saved_compile_config(const Model& model, const std::string& path) {
  if (!model.compiled()) return {};
  ConfigProblems problems;
  ConfigValue config = compile_config(model, problems);
  if (!problems.empty()) {
    log(LogLevel::warning, path + ": saved without what compile() was given: " + problems.text());
  }
  return config;
}

std::string now() {
  const std::time_t time = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm local{};
  ::localtime_r(&time, &local);
  char text[32];
  const std::size_t length = std::strftime(text, sizeof text, "%Y-%m-%d@%H:%M:%S", &local);
  return std::string(text, length);
}

void save_keras(const Model& model, const std::string& path) {
  Config config = model_config(model, ConfigFormat::keras);
  const ConfigValue compiled = saved_compile_config(model, path);
  if (!compiled.is_null()) config.set("compile_config", compiled);
  Config metadata;
  metadata.set("keras_version", kWrittenAs).set("date_saved", now());
  const std::string metadata_text = metadata.to_json(), config_text = config.to_json();
  const detail::H5Buffer weights = detail::write_hdf5_to_memory(detail::keras_weights(model));
  const auto bytes = [](const std::string& text) { return std::as_bytes(std::span(text.data(), text.size())); };
  const std::pair<std::string, std::span<const std::byte>> members[] = {
      {"metadata.json", bytes(metadata_text)}, {kConfigMember, bytes(config_text)}, {kWeightsMember, weights}};
  detail::write_zip(path, members);
}

void save_legacy(const Model& model, const std::string& path) {
  detail::H5Node root;
  root.set_attribute("keras_version", kWrittenAs);
  root.set_attribute("backend", "keratin");
  root.set_attribute("model_config", model_config(model, ConfigFormat::legacy).to_json());
  const ConfigValue compiled = saved_compile_config(model, path);
  if (const auto* object = std::get_if<ConfigValue::Object>(&compiled.variant())) {
    Config training;  // the same with another name for the optimizer
    for (const auto& [key, value] : (*object)->entries()) {
      training.set(key == "optimizer" ? "optimizer_config" : key, value);
    }
    root.set_attribute("training_config", training.to_json());
  }
  detail::add_legacy_weights(model, root.group("model_weights"));
  if (!compiled.is_null()) detail::add_legacy_optimizer(model, root);
  detail::write_hdf5(path, root);
}

// Whether the model was compiled, and for training: Keras writes an empty object for one that was not, and can compile
// without a loss.
bool is_compiled(const ConfigValue& compile, const std::string& path) {
  const auto* object = std::get_if<ConfigValue::Object>(&compile.variant());
  if (!object || (*object)->entries().empty()) return false;
  const ConfigValue* loss = (*object)->find("loss");
  const bool for_training = loss && !loss->is_null();
  if (!for_training && ((*object)->find("optimizer") || (*object)->find("optimizer_config"))) {
    log(LogLevel::warning, path + ": the model was compiled without a loss; it is loaded without being compiled.");
  }
  return for_training;
}

// The model of a configuration, compiled if that is wanted and known. Everything unsupported is named at once.
Model make_model(const ConfigValue& config, const ConfigValue& compile, const LoadModelOptions& options,
                 const std::string& path) {
  ConfigProblems problems;
  Model model = model_from_config(config, problems);
  const bool wanted = options.compile && is_compiled(compile, path);
  if (wanted && model.pointer()) compile_from_config(model, compile, problems);
  if (wanted && !model.pointer()) check_compile_config(compile, problems);
  if (!problems.empty()) throw FileError(path + ": cannot be loaded: " + problems.text());
  return model;
}

ConfigValue parse(const std::string& text, const char* what) {
  try {
    return detail::parse_json(text);
  } catch (const FileError& error) {
    error.rethrow_in(what);
  }
}

Model load_keras(const std::string& path, const LoadModelOptions& options) {
  const detail::ZipReader archive(path);
  constexpr std::uint64_t kMostJson = std::uint64_t{64} << 20;
  const detail::H5Buffer text = archive.read(kConfigMember, kMostJson);
  ConfigValue config;
  try {
    config = parse(std::string(reinterpret_cast<const char*>(text.data()), text.size()), kConfigMember);
  } catch (const FileError& error) {
    error.rethrow_in(path);
  }
  const auto* object = std::get_if<ConfigValue::Object>(&config.variant());
  const ConfigValue* compile = object ? (*object)->find("compile_config") : nullptr;
  Model model = make_model(config, compile ? *compile : ConfigValue(), options, path);
  detail::H5Reader reader(archive.read(kWeightsMember), path);
  detail::load_keras_weights(model, reader, path);
  return model;
}

Model load_legacy(const std::string& path, const LoadModelOptions& options) {
  detail::H5Reader reader(path);
  ConfigValue config, compile;
  try {
    const detail::H5Node& root = reader.root();
    if (!root.attribute("model_config")) {
      throw FileError(
          "there is no model in this file, only weights perhaps; build the model and call its load_weights");
    }
    config = parse(root.string("model_config"), "model_config");
    if (root.attribute("training_config")) compile = parse(root.string("training_config"), "training_config");
  } catch (const FileError& error) {
    error.rethrow_in(path);
  }
  Model model = make_model(config, compile, options, path);
  detail::load_legacy_weights(model, reader, path, false, true);
  return model;
}

}  // namespace

void Model::save(const std::string& path) const {
  if (path.ends_with(".weights.h5")) {
    throw InvalidArgument("save: '.weights.h5' is for weights; call save_weights, or save to '.keras'");
  }
  if (!path.ends_with(".keras") && !is_legacy_name(path)) {
    throw InvalidArgument("save: the path must end in '.keras', or in '.h5' for Keras 2's format, got '" + path + "'");
  }
  detail::require_weights(*this);
  path.ends_with(".keras") ? save_keras(*this, path) : save_legacy(*this, path);
}

Model load_model(const std::string& path, const LoadModelOptions& options) {
  if (path.ends_with(".keras")) return load_keras(path, options);
  if (is_legacy_name(path)) return load_legacy(path, options);
  throw InvalidArgument("load_model: the path must end in '.keras' or '.h5', got '" + path + "'");
}

}  // namespace keratin
