// Initialisers (keras.initializers): how the first values of variables are made.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "keratin/core/model/config.h"
#include "keratin/core/tensor/tensor.h"

namespace keratin {

// By name ("glorot_uniform", "he_normal", "zeros", ...; Keras's class names too) or from a function of initializers::.
class Initializer {
 public:
  using Make = std::function<Tensor(const Shape& shape, DType dtype, std::uint64_t seed)>;

  // Not inline: copied wherever users write a model.
  Initializer(const Initializer&);
  Initializer(Initializer&&) noexcept;
  Initializer& operator=(const Initializer&);
  Initializer& operator=(Initializer&&) noexcept;
  ~Initializer();

  // Throws InvalidArgument for an unknown name, with a suggestion.
  Initializer(const char* name);         // NOLINT(google-explicit-constructor): `.kernel_initializer = "he_normal"`
  Initializer(const std::string& name);  // NOLINT(google-explicit-constructor)
  Initializer(Make make, Config config, std::optional<std::uint64_t> seed = {})
      : make_(std::move(make)), config_(std::move(config)), seed_(seed) {}

  // Values of a new variable; `seed` counts unless the initialiser has one of its own.
  Tensor operator()(const Shape& shape, DType dtype, std::uint64_t seed) const {
    return make_(shape, dtype, seed_.value_or(seed));
  }
  const Config& config() const { return config_; }

  // The names known ("glorot_uniform", ...), without aliases.
  static std::vector<std::string> names();

 private:
  Make make_;
  Config config_;
  std::optional<std::uint64_t> seed_;
};

namespace initializers {

using Seed = std::optional<std::uint64_t>;
struct SeedOptions {
  Seed seed = {};
};
struct UniformOptions {
  double minval = -0.05, maxval = 0.05;
  Seed seed = {};
};
struct NormalOptions {
  double mean = 0.0, stddev = 0.05;
  Seed seed = {};
};
struct VarianceScalingOptions {
  double scale = 1.0;
  std::string mode = "fan_in";                    // "fan_in", "fan_out", "fan_avg"
  std::string distribution = "truncated_normal";  // "truncated_normal", "untruncated_normal", "uniform"
  Seed seed = {};
};
struct OrthogonalOptions {
  double gain = 1.0;
  Seed seed = {};
};

// Fans as in Keras: (in, out) for matrices; for kernels (..., in, out) times the receptive field; a vector's are its
// size.
Initializer GlorotUniform(SeedOptions options = {});
Initializer GlorotNormal(SeedOptions options = {});
Initializer HeUniform(SeedOptions options = {});
Initializer HeNormal(SeedOptions options = {});
Initializer LecunUniform(SeedOptions options = {});
Initializer LecunNormal(SeedOptions options = {});
Initializer RandomUniform(UniformOptions options = {});
Initializer RandomNormal(NormalOptions options = {});
Initializer TruncatedNormal(NormalOptions options = {});  // redrawn beyond two standard deviations
Initializer VarianceScaling(VarianceScalingOptions options = {});
Initializer Orthogonal(OrthogonalOptions options = {});
Initializer Zeros();
Initializer Ones();
Initializer Constant(double value = 0.0);
Initializer Identity(double gain = 1.0);  // ones on the diagonal of a matrix

}  // namespace initializers

}  // namespace keratin
