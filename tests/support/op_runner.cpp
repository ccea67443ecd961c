#include "tests/support/op_runner.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>

#include "keratin/core/compiler/passes.h"
#include "keratin/core/graph/leaves.h"
#include "keratin/core/runtime/device.h"
#include "keratin/core/tensor/log.h"
#include "keratin/core/tensor/philox.h"
#include "tests/support/modules.h"

namespace keratin::testing {
namespace {

// FNV-1a: the same on every machine, unlike std::hash.
std::uint64_t hash(std::string_view text) {
  std::uint64_t result = 14695981039346656037u;
  for (char c : text) result = (result ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return result;
}

double uniform(std::uint64_t stream, std::uint64_t step, std::uint64_t i) {
  return static_cast<double>(uniform_from_bits(philox_at(stream, step, i / 4).x[i % 4]));
}

DType in_precision(const Operand& operand, DType floating) {
  return operand.dtype == DType::float32 && !operand.in_device_memory ? floating : operand.dtype;
}

Tensor random_tensor(const Operand& operand, DType dtype, std::uint64_t stream, std::uint64_t number) {
  std::vector<double> values(static_cast<std::size_t>(operand.shape.size()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    double x = operand.low + (operand.high - operand.low) * uniform(stream, number, i);
    if (dtype == DType::boolean) x = x >= (operand.low + operand.high) / 2;
    values[i] = is_floating(dtype) ? static_cast<float>(x) : std::floor(x);
  }
  return Tensor(operand.shape, values).astype(dtype);
}

// How far apart a GPU's libraries may be in two runs: not all of them add up in the same order every time.
constexpr double kLibraryTolerance = 1e-4;

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.bytes() == b.bytes() && (a.bytes() == 0 || std::memcmp(a.raw(), b.raw(), a.bytes()) == 0);
}

// Whether a kernel of the plan says that it is a library's.
bool uses_libraries(PlanInstance& instance) {
  for (std::size_t i = 0; i < instance.plan().steps.size(); ++i) {
    const std::string text = instance.executable().describe(static_cast<int>(i));
    for (const char* library : {"cublas", "cudnn", "cuDNN"}) {
      if (text.find(library) != text.npos) return true;
    }
  }
  return false;
}

// What is warned of while it lives.
class Warnings {
 public:
  Warnings() {
    set_log_handler([this](LogLevel level, std::string_view text) {
      if (level == LogLevel::warning) text_.append(text).append("\n");
    });
  }
  ~Warnings() { set_log_handler({}); }
  Warnings(const Warnings&) = delete;
  Warnings& operator=(const Warnings&) = delete;
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

Plan compile_unfused(const Program& program, const Backend& device) {
  return place(simplify(expand(simplify(program), device)));
}

}  // namespace

std::vector<Tensor> make_inputs(const OpCase& op_case, DType floating) {
  std::vector<Tensor> result;
  const std::uint64_t stream = hash(op_case.name);
  for (const Operand& operand : op_case.inputs) {
    const DType dtype = in_precision(operand, floating);
    if (operand.values.empty()) {
      result.push_back(random_tensor(operand, dtype, stream, result.size()));
    } else {
      const DType exact = is_floating(operand.dtype) ? DType::float32 : operand.dtype;
      result.push_back(Tensor(operand.shape, operand.values).astype(exact).astype(dtype));
    }
  }
  return result;
}

CaseProgram make_program(const OpCase& op_case, DType floating) {
  CaseProgram result;
  Program& program = result.program;
  program.name = op_case.name;
  for (const Operand& operand : op_case.inputs) {
    const Spec spec =
        operand.in_device_memory ? Spec{{1}, DType::int64} : Spec{operand.shape, in_precision(operand, floating)};
    const int number = static_cast<int>(program.inputs.size());
    if (operand.differentiate && is_floating(spec.dtype) && op_case.differentiate) result.targets.push_back(number);
    program.inputs.push_back(input_value("in" + std::to_string(number), spec));
  }
  OpGraph graph = op_case.build(program.inputs, floating);
  program.outputs = std::move(graph.outputs);
  program.updates = std::move(graph.updates);
  for (const NodePtr& update : program.updates) {
    const auto written = update->op().written(update->attrs());
    result.written.insert(result.written.end(), written.begin(), written.end());
  }
  return result;
}

Value weighted_sum(std::span<const Value> outputs, std::uint64_t seed) {
  Value total;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const Value& y = outputs[i];
    if (!y || !is_floating(y.dtype())) continue;
    const Tensor weights = random_tensor({.shape = y.shape(), .low = 0.5, .high = 1.5}, y.dtype(), seed, i);
    const Value part = ops::sum(y * Value(weights));
    total = total ? total + part : part;
  }
  return total;
}

Program decomposed(const Program& program) {
  return rewrite(program, [](const NodePtr& node, const Values& inputs) {
    return node->op().decompose ? node->op().decompose(*node, inputs) : Values{};
  });
}

std::shared_ptr<Backend> device_if_there(const std::string& name) {
  current_device();  // throws when KERATIN_DEVICE names one that is not there
  if (name == "reference:0") return have_modules() ? reference_device() : nullptr;
  if (name == "cudasim:0") return have_simulated_gpu() ? simulated_gpu() : nullptr;
  if (name.starts_with("cuda:") && list_physical_devices("GPU").empty()) return nullptr;
  return open_device(name);
}

CompileOptions exact_options() {
  CompileOptions options = compile_options();
  options.precision = Precision::highest;
  return options;
}

void run_and_replay(PlanInstance& instance, Backend& device) {
  const DeviceInfo info = device.info();
  const char* graphs = std::getenv("KERATIN_CUDA_GRAPH");
  if (info.kind != "GPU" || (graphs && std::string_view(graphs) == "0")) return instance.run();
  const Plan& plan = instance.plan();
  std::vector<VariablePtr> written;
  std::vector<Tensor> before;
  for (std::size_t i = 0; i < plan.variables.size(); ++i) {
    if (!plan.variable_written[i]) continue;
    written.push_back(plan.variables[i]);
    before.push_back(written.back()->value());
  }
  const auto results = [&] {
    std::vector<Tensor> all;
    for (std::size_t i = 0; i < plan.outputs.size(); ++i) all.push_back(instance.read_output(static_cast<int>(i)));
    for (const VariablePtr& variable : written) all.push_back(variable->value());
    return all;
  };
  Warnings warnings;  // not const: its handler writes to it
  instance.run();
  const std::vector<Tensor> eager = results();
  // A graph that does too little must not find the results there.
  for (std::size_t i = 0; i < plan.outputs.size(); ++i) {
    device.upload(instance.output_address(static_cast<int>(i)),
                  std::vector<std::byte>(eager[i].bytes(), std::byte{0xa5}));
  }
  for (std::size_t i = 0; i < written.size(); ++i) written[i]->set_value(before[i]);
  instance.run();
  const std::vector<Tensor> replayed = results();
  EXPECT_EQ(warnings.text(), "") << "in runs of plan '" << plan.name << "' on " << info.name;
  const bool simulated = info.name.starts_with("cudasim");
  const bool exact = simulated || !uses_libraries(instance);
  for (std::size_t i = 0; i < eager.size(); ++i) {
    EXPECT_TRUE(exact ? same_bits(replayed[i], eager[i]) : difference(replayed[i], eager[i]) <= kLibraryTolerance)
        << "result " << i << " of plan '" << plan.name << "' on " << info.name << " is another one when it is replayed"
        << "\n  replayed " << replayed[i].to_string() << "\n  eager    " << eager[i].to_string();
  }
  if (simulated) {  // that of simulated_gpu(); others are a test's own business
    EXPECT_EQ(broken_rules(module_folder() + "/libkeratin_cudasim.so"), "") << "up to plan '" << plan.name << "'";
  }
}

CaseRunner::CaseRunner(std::shared_ptr<Backend> device, const OpCase& op_case, CaseProgram program)
    : device_(std::move(device)),
      program_(std::move(program)),
      instance_(compile_unfused(program_.program, *device_), exact_options(), std::make_shared<Arena>(device_)) {
  for (const Operand& operand : op_case.inputs) in_device_memory_.push_back(operand.in_device_memory);
  instance_.allocate();
}

std::vector<Tensor> CaseRunner::run(const std::vector<Tensor>& inputs) {
  std::vector<std::unique_ptr<DeviceBlock>> memory;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    Tensor fed = inputs[i];
    if (in_device_memory_[i]) {
      memory.push_back(std::make_unique<DeviceBlock>(device_, fed.bytes()));
      device_->upload(memory.back()->address(), {static_cast<const std::byte*>(fed.raw()), fed.bytes()});
      fed = Tensor({1}, {static_cast<std::int64_t>(reinterpret_cast<std::intptr_t>(memory.back()->address()))});
    }
    instance_.write_input(static_cast<int>(i), fed);
  }
  run_and_replay(instance_, *device_);
  std::vector<Tensor> results;
  for (std::size_t i = 0; i < program_.program.outputs.size(); ++i) {
    results.push_back(instance_.read_output(static_cast<int>(i)));
  }
  for (const VariablePtr& variable : program_.written) results.push_back(variable->value());
  device_->synchronize();
  return results;
}

double difference(const Tensor& got, const Tensor& expected) {
  if (got.shape() != expected.shape()) return kInfinity;
  const std::vector<double> a = got.astype(DType::float64).to_vector<double>();
  const std::vector<double> b = expected.astype(DType::float64).to_vector<double>();
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) continue;
    const double d = std::abs(a[i] - b[i]) / (1 + std::abs(b[i]));
    largest = std::isnan(d) ? kInfinity : std::max(largest, d);
  }
  return largest;
}

}  // namespace keratin::testing
