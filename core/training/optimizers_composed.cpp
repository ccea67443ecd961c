// The optimizers that are compositions of ops; the header has their formulas.
#include <algorithm>
#include <cctype>
#include <cmath>

#include "keratin/core/ops/matmul.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/training/detail/optimizer_support.h"

namespace keratin {
namespace {

using detail::check_betas;
using detail::check_epsilon;
using detail::check_option;
using detail::common_of;
using detail::power_of;
using detail::scalar;

// Made by `Options`, which the derived class keeps as `o`.
template <class Options>
class Composed : public OptimizerImpl {
 public:
  Composed(const char* class_name, const Options& options)
      : OptimizerImpl(class_name, options.learning_rate, common_of(options)), o(options) {}

 protected:
  const Options o;
};

Value moved(const Value& average, const Value& towards, double share) { return average + (towards - average) * share; }

class NadamImpl final : public Composed<optimizers::NadamOptions> {
 public:
  explicit NadamImpl(const optimizers::NadamOptions& options) : Composed("Nadam", options) {
    check_epsilon("Nadam", o.epsilon);
    check_betas("Nadam", o.beta_1, o.beta_2);
    product_ = Variable("variable", {}, {.initializer = "ones", .trainable = false});  // as Keras calls it
  }
  Config config() const override {
    return common_config().set("beta_1", o.beta_1).set("beta_2", o.beta_2).set("epsilon", o.epsilon);
  }

 protected:
  std::vector<SlotSpec> slot_specs(const Variable&) const override {
    return {{.name = "momentum"}, {.name = "velocity"}};
  }
  std::vector<Variable> shared_slots() const override { return {product_}; }
  Values update_shared(const Value& t) const override { return {Value(product_) * share(t)}; }
  Updated update(const Step& s) const override {
    const DType dtype = s.variable.dtype();
    const Value now = share(s.number), next = share(s.number + 1.0), product = Value(product_) * now;
    const Value m = moved(s.slots[0], s.gradient, 1 - o.beta_1);
    const Value v = moved(s.slots[1], ops::square(s.gradient), 1 - o.beta_2);
    const Value m_hat = m * ops::cast(next / (1.0 - product * next), dtype) +
                        s.gradient * ops::cast((1.0 - now) / (1.0 - product), dtype);
    const Value v_hat = v / ops::cast(1.0 - power_of(o.beta_2, s.number), dtype);
    return {s.variable - m_hat * ops::cast(s.learning_rate, dtype) / (ops::sqrt(v_hat) + o.epsilon), {m, v}};
  }

 private:
  // The momentum of step t: beta_1 (1 - 0.96^t / 2).
  Value share(const Value& t) const { return (1.0 - power_of(0.96, t) * 0.5) * o.beta_1; }
  Variable product_;  // of the momenta so far
};

class AdamaxImpl final : public Composed<optimizers::AdamaxOptions> {
 public:
  explicit AdamaxImpl(const optimizers::AdamaxOptions& options) : Composed("Adamax", options) {
    check_epsilon("Adamax", o.epsilon);
    check_betas("Adamax", o.beta_1, o.beta_2);
  }
  Config config() const override {
    return common_config().set("beta_1", o.beta_1).set("beta_2", o.beta_2).set("epsilon", o.epsilon);
  }

 protected:
  std::vector<SlotSpec> slot_specs(const Variable&) const override { return {{.name = "momentum"}, {.name = "norm"}}; }
  Updated update(const Step& s) const override {
    const Value m = moved(s.slots[0], s.gradient, 1 - o.beta_1);
    const Value u = ops::maximum(s.slots[1] * o.beta_2, ops::abs(s.gradient));
    const Value rate = ops::cast(s.learning_rate / (1.0 - power_of(o.beta_1, s.number)), m.dtype());
    return {s.variable - m * rate / (u + o.epsilon), {m, u}};
  }
};

class AdagradImpl final : public Composed<optimizers::AdagradOptions> {
 public:
  explicit AdagradImpl(const optimizers::AdagradOptions& options) : Composed("Adagrad", options) {
    check_epsilon("Adagrad", o.epsilon);
    check_option(o.initial_accumulator_value >= 0, "Adagrad", "initial_accumulator_value must not be negative",
                 o.initial_accumulator_value);
  }
  Config config() const override {
    return common_config().set("initial_accumulator_value", o.initial_accumulator_value).set("epsilon", o.epsilon);
  }

 protected:
  std::vector<SlotSpec> slot_specs(const Variable&) const override {
    return {{.name = "accumulator", .initial = o.initial_accumulator_value}};
  }
  Updated update(const Step& s) const override {
    const Value sum = s.slots[0] + ops::square(s.gradient);
    const Value change = s.gradient * ops::cast(s.learning_rate, sum.dtype()) / ops::sqrt(sum + o.epsilon);
    return {s.variable - change, {sum}};
  }
};

class AdadeltaImpl final : public Composed<optimizers::AdadeltaOptions> {
 public:
  explicit AdadeltaImpl(const optimizers::AdadeltaOptions& options) : Composed("Adadelta", options) {
    check_epsilon("Adadelta", o.epsilon);
    check_option(o.rho >= 0 && o.rho <= 1, "Adadelta", "rho must be in [0, 1]", o.rho);
  }
  Config config() const override { return common_config().set("rho", o.rho).set("epsilon", o.epsilon); }

 protected:
  std::vector<SlotSpec> slot_specs(const Variable&) const override {
    return {{.name = "accumulated_grad"}, {.name = "accumulated_delta_var"}};
  }
  Updated update(const Step& s) const override {
    const Value gradients = s.slots[0] * o.rho + ops::square(s.gradient) * (1 - o.rho);
    const Value change = ops::sqrt(s.slots[1] + o.epsilon) * s.gradient / ops::sqrt(gradients + o.epsilon);
    const Value changes = s.slots[1] * o.rho + ops::square(change) * (1 - o.rho);
    return {s.variable - change * ops::cast(s.learning_rate, change.dtype()), {gradients, changes}};
  }
};

class AdafactorImpl final : public Composed<optimizers::AdafactorOptions> {
 public:
  explicit AdafactorImpl(const optimizers::AdafactorOptions& options) : Composed("Adafactor", options) {
    check_option(o.clip_threshold > 0, "Adafactor", "clip_threshold must be positive", o.clip_threshold);
  }
  Config config() const override {
    return common_config()
        .set("beta_2_decay", o.beta_2_decay)
        .set("epsilon_1", o.epsilon_1)
        .set("epsilon_2", o.epsilon_2)
        .set("clip_threshold", o.clip_threshold)
        .set("relative_step", o.relative_step);
  }

 protected:
  // Keras's files have a whole number in place of each of the sums that a vector does not need.
  std::vector<SlotSpec> slot_specs(const Variable& variable) const override {
    const Shape& shape = variable.shape();
    const int rank = shape.rank();
    SlotSpec rows{.name = "row", .has_shape = true, .dtype = DType::int32}, columns = rows;
    columns.name = "column";
    if (rank >= 2) {
      rows.dtype = columns.dtype = variable.dtype();
      rows.shape = shape.slice(0, rank - 1);
      columns.shape = shape.slice(0, rank - 2).concat({shape[rank - 1]});
    }
    return {rows, columns, {.name = "velocity"}};
  }
  Updated update(const Step& s) const override {
    const DType dtype = s.variable.dtype();
    // At most 1 / sqrt(t) also without relative_step, as in Keras.
    const Value rate = ops::minimum(s.learning_rate, ops::rsqrt(s.number));
    const Value alpha = ops::maximum(rms(s.variable), o.epsilon_2) * ops::cast(rate, dtype);
    const Value beta = ops::cast(1.0 - ops::power(s.number, o.beta_2_decay), dtype);
    const auto mixed = [&](const Value& old, const Value& now) { return beta * old + (1.0 - beta) * now; };
    const Value square = ops::square(s.gradient) + o.epsilon_1;
    Values slots = s.slots;
    if (s.variable.rank() >= 2) {
      slots[0] = mixed(s.slots[0], ops::mean(square, {-1}));
      slots[1] = mixed(s.slots[1], ops::mean(square, {-2}));
      slots[2] = ops::expand_dims(slots[0] / ops::mean(slots[0], {-1}, true), -1) * ops::expand_dims(slots[1], -2);
    } else {
      slots[2] = mixed(s.slots[2], square);
    }
    const Value change = s.gradient / ops::sqrt(slots[2]);
    return {s.variable - alpha * (change / ops::maximum(rms(change) / o.clip_threshold, 1.0)), slots};
  }

 private:
  static Value rms(const Value& x) { return ops::sqrt(ops::mean(ops::square(x))); }
};

class FtrlImpl final : public Composed<optimizers::FtrlOptions> {
 public:
  explicit FtrlImpl(const optimizers::FtrlOptions& options) : Composed("Ftrl", options) {
    check_option(o.learning_rate_power <= 0, "Ftrl", "learning_rate_power must not be positive", o.learning_rate_power);
    for (const auto& [rule, value] :
         {std::pair{"initial_accumulator_value must not be negative", o.initial_accumulator_value},
          {"l1_regularization_strength must not be negative", o.l1_regularization_strength},
          {"l2_regularization_strength must not be negative", o.l2_regularization_strength},
          {"l2_shrinkage_regularization_strength must not be negative", o.l2_shrinkage_regularization_strength}}) {
      check_option(value >= 0, "Ftrl", rule, value);
    }
  }
  Config config() const override {
    return common_config()
        .set("learning_rate_power", o.learning_rate_power)
        .set("initial_accumulator_value", o.initial_accumulator_value)
        .set("l1_regularization_strength", o.l1_regularization_strength)
        .set("l2_regularization_strength", o.l2_regularization_strength)
        .set("l2_shrinkage_regularization_strength", o.l2_shrinkage_regularization_strength)
        .set("beta", o.beta);
  }

 protected:
  std::vector<SlotSpec> slot_specs(const Variable&) const override {
    return {{.name = "accumulator", .initial = o.initial_accumulator_value}, {.name = "linear"}};
  }
  Updated update(const Step& s) const override {
    const Value rate = ops::cast(s.learning_rate, s.variable.dtype());
    const Value sum = s.slots[0] + ops::square(s.gradient);
    const Value shrunk = s.gradient + s.variable * (2 * o.l2_shrinkage_regularization_strength);
    const Value grown = power(sum) - power(s.slots[0]);
    const Value linear = s.slots[1] + shrunk - grown / rate * s.variable;
    const Value l2 = o.l2_regularization_strength + o.beta / (rate * 2.0);
    const Value quadratic = power(sum) / rate + l2 * 2.0;
    const Value clipped = ops::clip(linear, -o.l1_regularization_strength, o.l1_regularization_strength);
    return {(clipped - linear) / quadratic, {sum, linear}};
  }

 private:
  Value power(const Value& x) const {
    return o.learning_rate_power == -0.5 ? ops::sqrt(x) : ops::power(x, -o.learning_rate_power);
  }
};

class LionImpl final : public Composed<optimizers::LionOptions> {
 public:
  explicit LionImpl(const optimizers::LionOptions& options) : Composed("Lion", options) {
    check_option(o.beta_1 > 0 && o.beta_1 <= 1, "Lion", "beta_1 must be in (0, 1]", o.beta_1);
    check_option(o.beta_2 >= 0 && o.beta_2 <= 1, "Lion", "beta_2 must be in [0, 1]", o.beta_2);
  }
  Config config() const override { return common_config().set("beta_1", o.beta_1).set("beta_2", o.beta_2); }

 protected:
  std::vector<SlotSpec> slot_specs(const Variable&) const override { return {{.name = "momentum"}}; }
  Updated update(const Step& s) const override {
    const Value direction = ops::sign(s.slots[0] * o.beta_1 + s.gradient * (1 - o.beta_1));
    return {s.variable - direction * ops::cast(s.learning_rate, direction.dtype()),
            {s.slots[0] * o.beta_2 + s.gradient * (1 - o.beta_2)}};
  }
};

class LambImpl final : public Composed<optimizers::LambOptions> {
 public:
  explicit LambImpl(const optimizers::LambOptions& options) : Composed("Lamb", options) {
    check_epsilon("Lamb", o.epsilon);
    check_betas("Lamb", o.beta_1, o.beta_2);
  }
  Config config() const override {
    return common_config().set("beta_1", o.beta_1).set("beta_2", o.beta_2).set("epsilon", o.epsilon);
  }

 protected:
  std::vector<SlotSpec> slot_specs(const Variable&) const override {
    return {{.name = "momentum"}, {.name = "velocity"}};
  }
  Updated update(const Step& s) const override {
    const DType dtype = s.variable.dtype();
    const Value m = moved(s.slots[0], s.gradient, 1 - o.beta_1);
    const Value v = moved(s.slots[1], ops::square(s.gradient), 1 - o.beta_2);
    const Value m_hat = m / ops::cast(1.0 - power_of(o.beta_1, s.number), dtype);
    const Value v_hat = v / ops::cast(1.0 - power_of(o.beta_2, s.number), dtype);
    const Value change = m_hat / (ops::sqrt(v_hat) + o.epsilon);
    const Value w_norm = norm(s.variable), change_norm = norm(change);
    // 1 where one of them is 0
    const Value both = ops::logical_and(ops::greater(w_norm, 0.0), ops::greater(change_norm, 0.0));
    const Value ratio = ops::where(both, w_norm / ops::where(both, change_norm, 1.0), 1.0);
    return {s.variable - change * (ratio * ops::cast(s.learning_rate, dtype)), {m, v}};
  }

 private:
  static Value norm(const Value& x) { return ops::sqrt(ops::sum(ops::square(x))); }
};

class MuonImpl final : public Composed<optimizers::MuonOptions> {
 public:
  explicit MuonImpl(const optimizers::MuonOptions& options) : Composed("Muon", options) {
    check_epsilon("Muon", o.epsilon);
    check_option(o.adam_beta_1 >= 0 && o.adam_beta_1 < 1, "Muon", "adam_beta_1 must be in [0, 1)", o.adam_beta_1);
    check_option(o.adam_beta_2 >= 0 && o.adam_beta_2 < 1, "Muon", "adam_beta_2 must be in [0, 1)", o.adam_beta_2);
    check_option(o.ns_steps >= 0 && o.ns_steps <= 100, "Muon", "ns_steps must lie between 0 and 100", o.ns_steps);
    for (const std::string& part : o.exclude_layers) {
      if (words_of(part).find_first_of("^$.*+?()[]{}|\\") == std::string::npos) continue;
      throw InvalidArgument(
          "optimizers::Muon: exclude_layers are parts of paths, '^' and '$' their ends; other "
          "regular expressions are not supported, got '" +
          part + "'");
    }
  }
  Config config() const override {
    ConfigValue::List excluded(o.exclude_layers.begin(), o.exclude_layers.end());
    return common_config()
        .set("adam_beta_1", o.adam_beta_1)
        .set("adam_beta_2", o.adam_beta_2)
        .set("epsilon", o.epsilon)
        .set("exclude_layers", std::move(excluded))
        .set("muon_a", o.muon_a)
        .set("muon_b", o.muon_b)
        .set("muon_c", o.muon_c)
        .set("adam_lr_ratio", o.adam_lr_ratio)
        .set("momentum", o.momentum)
        .set("ns_steps", o.ns_steps)
        .set("nesterov", o.nesterov)
        .set("exclude_embeddings", o.exclude_embeddings)
        .set("adam_weight_decay", o.adam_weight_decay)
        .set("rms_rate", o.rms_rate ? ConfigValue(*o.rms_rate) : ConfigValue());
  }

 protected:
  std::vector<SlotSpec> slot_specs(const Variable& variable) const override {
    std::vector<SlotSpec> slots = {{.name = "momentum"}};
    if (by_adam(variable)) slots.push_back({.name = "velocity"});
    return slots;
  }
  double weight_decay_of(const Variable& variable) const override {
    return by_adam(variable) ? o.adam_weight_decay : o.weight_decay;
  }
  Updated update(const Step& s) const override {
    const DType dtype = s.variable.dtype();
    const Value rate = ops::cast(s.learning_rate, dtype);
    if (s.slots.size() == 2) {
      const Value m = moved(s.slots[0], s.gradient, 1 - o.adam_beta_1);
      const Value v = moved(s.slots[1], ops::square(s.gradient), 1 - o.adam_beta_2);
      const Value correction =
          ops::sqrt(1.0 - power_of(o.adam_beta_2, s.number)) / (1.0 - power_of(o.adam_beta_1, s.number));
      const Value alpha = rate * o.adam_lr_ratio * ops::cast(correction, dtype);
      return {s.variable - m * alpha / (ops::sqrt(v) + o.epsilon), {m, v}};
    }
    const Value m = s.slots[0] * o.momentum + s.gradient;
    const Value change = orthogonal(o.nesterov ? s.gradient + m * o.momentum : m);
    const auto size = static_cast<double>(std::max(m.shape()[0], m.shape()[1]));
    return {s.variable - change * (rate * (o.rms_rate ? std::sqrt(size) * *o.rms_rate : 1.0)), {m}};
  }

 private:
  // Without the marks of the ends.
  static std::string words_of(std::string part) {
    if (part.starts_with('^')) part.erase(0, 1);
    if (part.ends_with('$')) part.pop_back();
    return part;
  }

  bool by_adam(const Variable& variable) const {
    if (variable.shape().rank() != 2) return true;
    std::string path = variable.path();
    for (const std::string& part : o.exclude_layers) {
      const std::string words = words_of(part);
      const bool begins = part.starts_with('^'), ends = part.ends_with('$');
      if (begins && ends ? path == words
          : begins       ? path.starts_with(words)
          : ends         ? path.ends_with(words)
                         : path.find(words) != path.npos) {
        return true;
      }
    }
    std::transform(path.begin(), path.end(), path.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return o.exclude_embeddings && path.find("embedding") != std::string::npos;
  }

  // A matrix with the same singular vectors and singular values of about 1.
  Value orthogonal(Value x) const {
    const bool tall = x.shape()[0] > x.shape()[1];  // the product below is the smaller one
    if (tall) x = ops::transpose(x, {1, 0});
    x = x / (ops::sqrt(ops::sum(ops::square(x))) + 1e-7);
    for (int step = 0; step < o.ns_steps; ++step) {
      const Value y = ops::matmul(x, x, {.transpose_b = true});
      x = x * o.muon_a + ops::matmul(y * o.muon_b + ops::matmul(y, y) * o.muon_c, x);
    }
    return tall ? ops::transpose(x, {1, 0}) : x;
  }
};

}  // namespace

namespace optimizers {

Optimizer Nadam(NadamOptions options) { return Optimizer(std::make_shared<NadamImpl>(options)); }
Optimizer Adamax(AdamaxOptions options) { return Optimizer(std::make_shared<AdamaxImpl>(options)); }
Optimizer Adagrad(AdagradOptions options) { return Optimizer(std::make_shared<AdagradImpl>(options)); }
Optimizer Adadelta(AdadeltaOptions options) { return Optimizer(std::make_shared<AdadeltaImpl>(options)); }
Optimizer Adafactor(AdafactorOptions options) { return Optimizer(std::make_shared<AdafactorImpl>(options)); }
Optimizer Ftrl(FtrlOptions options) { return Optimizer(std::make_shared<FtrlImpl>(options)); }
Optimizer Lion(LionOptions options) { return Optimizer(std::make_shared<LionImpl>(options)); }
Optimizer Lamb(LambOptions options) { return Optimizer(std::make_shared<LambImpl>(options)); }
Optimizer Muon(MuonOptions options) { return Optimizer(std::make_shared<MuonImpl>(options)); }

}  // namespace optimizers

}  // namespace keratin
