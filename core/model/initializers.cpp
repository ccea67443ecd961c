#include "keratin/core/model/initializers.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "keratin/core/model/detail/random_stream.h"
#include "keratin/core/model/naming.h"
#include "keratin/core/tensor/errors.h"

namespace keratin {
namespace {

using detail::RandomStream;

constexpr const char* kModule = "keras.initializers";

template <class Draw>
Tensor fill(const Shape& shape, DType dtype, Draw&& draw) {
  if (!is_floating(dtype)) {
    throw InvalidArgument("random initialisers make floating numbers, but the variable is " +
                          std::string(name_of(dtype)));
  }
  Tensor result(shape, dtype);
  visit_dtype(dtype, [&]<class T>() {
    if constexpr (std::is_floating_point_v<T>) {
      for (T& element : result.values<T>()) element = static_cast<T>(draw());
    }
  });
  return result;
}

// Python integers are signed; seeds beyond them are written as their two's complement.
ConfigValue seed_config(const initializers::Seed& seed) {
  return seed ? ConfigValue(static_cast<std::int64_t>(*seed)) : ConfigValue();
}

struct Fans {
  double in = 1, out = 1;
};
Fans fans_of(const Shape& shape) {
  if (shape.rank() == 0) return {};
  if (shape.rank() == 1) return {static_cast<double>(shape[0]), static_cast<double>(shape[0])};
  const auto field = static_cast<double>(shape.slice(0, -2).size());
  return {field * static_cast<double>(shape[-2]), field * static_cast<double>(shape[-1])};
}

double fan_for(const std::string& mode, const Shape& shape) {
  const Fans fans = fans_of(shape);
  if (mode == "fan_in") return fans.in;
  if (mode == "fan_out") return fans.out;
  return (fans.in + fans.out) / 2;
}

Initializer variance_scaling(const initializers::VarianceScalingOptions& options, Config config) {
  auto make = [options](const Shape& shape, DType dtype, std::uint64_t seed) {
    const double variance = options.scale / std::max(1.0, fan_for(options.mode, shape));
    RandomStream stream(seed);
    if (options.distribution == "uniform") {
      const double limit = std::sqrt(3 * variance);
      return fill(shape, dtype, [&] { return limit * (2 * stream.uniform() - 1); });
    }
    if (options.distribution == "untruncated_normal") {
      const double stddev = std::sqrt(variance);
      return fill(shape, dtype, [&] { return stddev * stream.normal(); });
    }
    // The constant is the standard deviation of a standard normal truncated at two: the result has the full variance.
    const double stddev = std::sqrt(variance) / .87962566103423978;
    return fill(shape, dtype, [&] { return stddev * stream.truncated_normal(); });
  };
  return Initializer(std::move(make), std::move(config), options.seed);
}

Initializer named_scaling(const char* class_name, double scale, const char* mode, bool uniform,
                          const initializers::SeedOptions& options) {
  Config config(kModule, class_name);
  config.set("seed", seed_config(options.seed));
  return variance_scaling(
      {.scale = scale, .mode = mode, .distribution = uniform ? "uniform" : "truncated_normal", .seed = options.seed},
      std::move(config));
}

// The orthonormal columns of a rows x columns matrix (rows >= columns; columns stored one after another), by modified
// Gram-Schmidt. Applied twice, it is orthogonal to machine precision. It is the Q of the QR decomposition whose R has a
// positive diagonal: the sign Keras corrects for.
void orthonormalize(std::vector<std::vector<double>>& columns, RandomStream& stream) {
  for (std::size_t j = 0; j < columns.size(); ++j) {
    std::vector<double>& column = columns[j];
    for (;;) {
      for (int pass = 0; pass < 2; ++pass) {
        for (std::size_t i = 0; i < j; ++i) {
          double dot = 0;
          for (std::size_t k = 0; k < column.size(); ++k) dot += columns[i][k] * column[k];
          for (std::size_t k = 0; k < column.size(); ++k) column[k] -= dot * columns[i][k];
        }
      }
      double norm = 0;
      for (double x : column) norm += x * x;
      norm = std::sqrt(norm);
      if (norm > 1e-6) {
        for (double& x : column) x /= norm;
        break;
      }
      // Nearly a combination of the columns before it (a square matrix's last column may be): draw another.
      for (double& x : column) x = stream.normal();
    }
  }
}

Tensor orthogonal(const Shape& shape, DType dtype, std::uint64_t seed, double gain) {
  if (shape.rank() < 2) {
    throw InvalidArgument("Orthogonal: the variable must have at least 2 axes, got " + shape.to_string());
  }
  const auto columns = static_cast<std::size_t>(shape[-1]);
  const std::size_t rows = static_cast<std::size_t>(shape.slice(0, -1).size());
  RandomStream stream(seed);
  std::vector<std::vector<double>> basis(std::min(rows, columns), std::vector<double>(std::max(rows, columns)));
  for (std::vector<double>& vector : basis) {
    for (double& x : vector) x = stream.normal();
  }
  orthonormalize(basis, stream);
  std::size_t element = 0;
  return fill(shape, dtype, [&] {
    const std::size_t row = element / columns, column = element % columns;
    ++element;
    return gain * (rows >= columns ? basis[column][row] : basis[row][column]);
  });
}

Tensor identity(const Shape& shape, DType dtype, double gain) {
  if (shape.rank() != 2) throw InvalidArgument("Identity: the variable must be a matrix, got " + shape.to_string());
  Tensor result(shape, dtype);
  visit_dtype(dtype, [&]<class T>() {
    const std::span<T> values = result.values<T>();
    const std::int64_t diagonal = std::min(shape[0], shape[1]);
    for (std::int64_t i = 0; i < diagonal; ++i) {
      values[static_cast<std::size_t>(i * shape[1] + i)] = static_cast<T>(gain);
    }
  });
  return result;
}

struct Named {
  const char* class_name;
  Initializer (*make)();
};
constexpr Named kNamed[] = {
    {"GlorotUniform", [] { return initializers::GlorotUniform(); }},
    {"GlorotNormal", [] { return initializers::GlorotNormal(); }},
    {"HeUniform", [] { return initializers::HeUniform(); }},
    {"HeNormal", [] { return initializers::HeNormal(); }},
    {"LecunUniform", [] { return initializers::LecunUniform(); }},
    {"LecunNormal", [] { return initializers::LecunNormal(); }},
    {"RandomUniform", [] { return initializers::RandomUniform(); }},
    {"RandomNormal", [] { return initializers::RandomNormal(); }},
    {"TruncatedNormal", [] { return initializers::TruncatedNormal(); }},
    {"VarianceScaling", [] { return initializers::VarianceScaling(); }},
    {"Orthogonal", [] { return initializers::Orthogonal(); }},
    {"Zeros", [] { return initializers::Zeros(); }},
    {"Ones", [] { return initializers::Ones(); }},
    {"Constant", [] { return initializers::Constant(); }},
    {"Identity", [] { return initializers::Identity(); }},
};
constexpr std::pair<const char*, const char*> kAliases[] = {{"uniform", "RandomUniform"},
                                                            {"normal", "RandomNormal"},
                                                            {"zero", "Zeros"},
                                                            {"one", "Ones"},
                                                            {"OrthogonalInitializer", "Orthogonal"},
                                                            {"IdentityInitializer", "Identity"}};

Initializer by_name(const std::string& name) {
  std::string wanted = name;
  for (const auto& [alias, class_name] : kAliases) {
    if (name == alias) wanted = class_name;
  }
  for (const Named& named : kNamed) {
    if (wanted == named.class_name || wanted == to_snake_case(named.class_name)) return named.make();
  }
  throw InvalidArgument("unknown initializer '" + name + "'" + did_you_mean(name, Initializer::names()));
}

}  // namespace

Initializer::Initializer(const Initializer&) = default;
Initializer::Initializer(Initializer&&) noexcept = default;
Initializer& Initializer::operator=(const Initializer&) = default;
Initializer& Initializer::operator=(Initializer&&) noexcept = default;
Initializer::~Initializer() = default;

Initializer::Initializer(const char* name) : Initializer(std::string(name)) {}
Initializer::Initializer(const std::string& name) : Initializer(by_name(name)) {}

std::vector<std::string> Initializer::names() {
  std::vector<std::string> result;
  for (const Named& named : kNamed) result.push_back(to_snake_case(named.class_name));
  return result;
}

namespace initializers {

Initializer GlorotUniform(SeedOptions options) { return named_scaling("GlorotUniform", 1, "fan_avg", true, options); }
Initializer GlorotNormal(SeedOptions options) { return named_scaling("GlorotNormal", 1, "fan_avg", false, options); }
Initializer HeUniform(SeedOptions options) { return named_scaling("HeUniform", 2, "fan_in", true, options); }
Initializer HeNormal(SeedOptions options) { return named_scaling("HeNormal", 2, "fan_in", false, options); }
Initializer LecunUniform(SeedOptions options) { return named_scaling("LecunUniform", 1, "fan_in", true, options); }
Initializer LecunNormal(SeedOptions options) { return named_scaling("LecunNormal", 1, "fan_in", false, options); }

Initializer RandomUniform(UniformOptions options) {
  if (!(options.minval <= options.maxval)) throw InvalidArgument("RandomUniform: minval must not be above maxval");
  Config config(kModule, "RandomUniform");
  config.set("seed", seed_config(options.seed)).set("minval", options.minval).set("maxval", options.maxval);
  auto make = [options](const Shape& shape, DType dtype, std::uint64_t seed) {
    RandomStream stream(seed);
    return fill(shape, dtype, [&] { return options.minval + (options.maxval - options.minval) * stream.uniform(); });
  };
  return Initializer(std::move(make), std::move(config), options.seed);
}

Initializer RandomNormal(NormalOptions options) {
  Config config(kModule, "RandomNormal");
  config.set("seed", seed_config(options.seed)).set("mean", options.mean).set("stddev", options.stddev);
  auto make = [options](const Shape& shape, DType dtype, std::uint64_t seed) {
    RandomStream stream(seed);
    return fill(shape, dtype, [&] { return options.mean + options.stddev * stream.normal(); });
  };
  return Initializer(std::move(make), std::move(config), options.seed);
}

Initializer TruncatedNormal(NormalOptions options) {
  Config config(kModule, "TruncatedNormal");
  config.set("seed", seed_config(options.seed)).set("mean", options.mean).set("stddev", options.stddev);
  auto make = [options](const Shape& shape, DType dtype, std::uint64_t seed) {
    RandomStream stream(seed);
    return fill(shape, dtype, [&] { return options.mean + options.stddev * stream.truncated_normal(); });
  };
  return Initializer(std::move(make), std::move(config), options.seed);
}

Initializer VarianceScaling(VarianceScalingOptions options) {
  if (!(options.scale > 0)) throw InvalidArgument("VarianceScaling: scale must be positive");
  // Keras calls the truncated one "normal" too.
  if (options.distribution == "normal") options.distribution = "truncated_normal";
  const std::vector<std::string> modes = {"fan_in", "fan_out", "fan_avg"};
  if (std::find(modes.begin(), modes.end(), options.mode) == modes.end()) {
    throw InvalidArgument("VarianceScaling: mode must be 'fan_in', 'fan_out' or 'fan_avg', got '" + options.mode + "'");
  }
  const std::vector<std::string> distributions = {"uniform", "truncated_normal", "untruncated_normal"};
  if (std::find(distributions.begin(), distributions.end(), options.distribution) == distributions.end()) {
    throw InvalidArgument(
        "VarianceScaling: distribution must be 'uniform', 'truncated_normal' or 'untruncated_normal', got '" +
        options.distribution + "'");
  }
  Config config(kModule, "VarianceScaling");
  config.set("seed", seed_config(options.seed))
      .set("scale", options.scale)
      .set("mode", options.mode)
      .set("distribution", options.distribution);
  return variance_scaling(options, std::move(config));
}

Initializer Orthogonal(OrthogonalOptions options) {
  // The class is Orthogonal, but Keras 3.0 knows it by this name only, and the others by both.
  Config config(kModule, "OrthogonalInitializer");
  config.set("seed", seed_config(options.seed)).set("gain", options.gain);
  auto make = [gain = options.gain](const Shape& shape, DType dtype, std::uint64_t seed) {
    return orthogonal(shape, dtype, seed, gain);
  };
  return Initializer(std::move(make), std::move(config), options.seed);
}

Initializer Zeros() {
  auto make = [](const Shape& shape, DType dtype, std::uint64_t) { return Tensor(shape, dtype); };
  return Initializer(make, Config(kModule, "Zeros"));
}

Initializer Ones() {
  auto make = [](const Shape& shape, DType dtype, std::uint64_t) { return Tensor::full(shape, 1, dtype); };
  return Initializer(make, Config(kModule, "Ones"));
}

Initializer Constant(double value) {
  Config config(kModule, "Constant");
  config.set("value", value);
  auto make = [value](const Shape& shape, DType dtype, std::uint64_t) { return Tensor::full(shape, value, dtype); };
  return Initializer(make, std::move(config));
}

Initializer Identity(double gain) {
  Config config(kModule, "Identity");
  config.set("gain", gain);
  auto make = [gain](const Shape& shape, DType dtype, std::uint64_t) { return identity(shape, dtype, gain); };
  return Initializer(make, std::move(config));
}

}  // namespace initializers

}  // namespace keratin
