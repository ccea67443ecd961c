// Keras's own initialisers, regularisers and constraints from their configurations.
#include "keratin/core/model/detail/factory.h"

namespace keratin::detail {
namespace {

initializers::SeedOptions seed_options(ConfigReader& c) { return {.seed = c.seed()}; }
initializers::NormalOptions normal_options(ConfigReader& c) {
  return {.mean = c.number("mean", 0.0), .stddev = c.number("stddev", 0.05), .seed = c.seed()};
}

constexpr StandardClass<Initializer> kInitializers[] = {
    {"GlorotUniform", [](ConfigReader& c) { return initializers::GlorotUniform(seed_options(c)); }},
    {"GlorotNormal", [](ConfigReader& c) { return initializers::GlorotNormal(seed_options(c)); }},
    {"HeUniform", [](ConfigReader& c) { return initializers::HeUniform(seed_options(c)); }},
    {"HeNormal", [](ConfigReader& c) { return initializers::HeNormal(seed_options(c)); }},
    {"LecunUniform", [](ConfigReader& c) { return initializers::LecunUniform(seed_options(c)); }},
    {"LecunNormal", [](ConfigReader& c) { return initializers::LecunNormal(seed_options(c)); }},
    {"RandomUniform",
     [](ConfigReader& c) {
       return initializers::RandomUniform(
           {.minval = c.number("minval", -0.05), .maxval = c.number("maxval", 0.05), .seed = c.seed()});
     }},
    {"RandomNormal", [](ConfigReader& c) { return initializers::RandomNormal(normal_options(c)); }},
    {"TruncatedNormal", [](ConfigReader& c) { return initializers::TruncatedNormal(normal_options(c)); }},
    {"VarianceScaling",
     [](ConfigReader& c) {
       return initializers::VarianceScaling({.scale = c.number("scale", 1.0),
                                             .mode = c.text("mode", "fan_in"),
                                             .distribution = c.text("distribution", "truncated_normal"),
                                             .seed = c.seed()});
     }},
    {"Orthogonal",
     [](ConfigReader& c) { return initializers::Orthogonal({.gain = c.number("gain", 1.0), .seed = c.seed()}); }},
    {"Zeros", [](ConfigReader&) { return initializers::Zeros(); }},
    {"Ones", [](ConfigReader&) { return initializers::Ones(); }},
    {"Constant", [](ConfigReader& c) { return initializers::Constant(c.number("value", 0.0)); }},
    {"Identity", [](ConfigReader& c) { return initializers::Identity(c.number("gain", 1.0)); }},
    // The names of some classes before they got these.
    {"OrthogonalInitializer",
     [](ConfigReader& c) { return initializers::Orthogonal({.gain = c.number("gain", 1.0), .seed = c.seed()}); }},
    {"IdentityInitializer", [](ConfigReader& c) { return initializers::Identity(c.number("gain", 1.0)); }},
};

constexpr StandardClass<Regularizer> kRegularizers[] = {
    {"L1", [](ConfigReader& c) { return regularizers::L1(c.number("l1", 0.01)); }},
    {"L2", [](ConfigReader& c) { return regularizers::L2(c.number("l2", 0.01)); }},
    {"L1L2", [](ConfigReader& c) { return regularizers::L1L2(c.number("l1", 0.0), c.number("l2", 0.0)); }},
    {"OrthogonalRegularizer",
     [](ConfigReader& c) {
       const double factor = c.number("factor", 0.01);
       return regularizers::OrthogonalRegularizer(factor, c.text("mode", "rows"));
     }},
};

constexpr StandardClass<Constraint> kConstraints[] = {
    {"MaxNorm",
     [](ConfigReader& c) { return constraints::MaxNorm(c.number("max_value", 2.0), c.small_integer("axis", 0)); }},
    {"NonNeg", [](ConfigReader&) { return constraints::NonNeg(); }},
    {"UnitNorm", [](ConfigReader& c) { return constraints::UnitNorm(c.small_integer("axis", 0)); }},
    {"MinMaxNorm",
     [](ConfigReader& c) {
       const double low = c.number("min_value", 0.0), high = c.number("max_value", 1.0), rate = c.number("rate", 1.0);
       return constraints::MinMaxNorm(low, high, rate, c.small_integer("axis", 0));
     }},
};

}  // namespace

Factory<Initializer>& initializer_factory() {
  static auto* factory = new Factory<Initializer>("initializer", kInitializers);
  return *factory;
}
Factory<Regularizer>& regularizer_factory() {
  static auto* factory = new Factory<Regularizer>("regularizer", kRegularizers);
  return *factory;
}
Factory<Constraint>& constraint_factory() {
  static auto* factory = new Factory<Constraint>("constraint", kConstraints);
  return *factory;
}

}  // namespace keratin::detail
