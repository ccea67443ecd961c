#include "keratin/core/training/sequential.h"

#include "keratin/core/compiler/trace.h"
#include "keratin/core/model/input_layer.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/core/training/detail/model_impl.h"

namespace keratin {
namespace {

class SequentialImpl final : public ModelImpl {
 public:
  SequentialImpl(std::vector<Layer> layers, ModelOptions options)
      : ModelImpl("Sequential", std::move(options.name), options.trainable) {
    for (const Layer& layer : layers) append(layer);
    update();
  }

  void add(const Layer& layer) {
    append(layer);
    update();
  }

  void pop() {
    if (stack_.empty()) throw InvalidArgument(name() + " (Sequential): there is no layer to pop");
    stack_.pop_back();
    const Value input = input_;
    input_ = output_ = {};
    if (input && !stack_.empty()) connect(input);
    update();
  }

 protected:
  using ModelImpl::build;
  // The graph of a Sequential without Input begins where its first input comes from.
  void build(std::span<const Shape> inputs) override {
    if (input_) return;
    if (stack_.empty()) throw InvalidArgument("a Sequential without layers cannot be built");
    Shape shape = inputs[0];
    if (shape.rank() > 0) shape[0] = kUnknown;
    connect(InputLayerImpl(std::move(shape), DType::float32, "").symbolic_input());
    update();
  }

 private:
  void append(const Layer& layer) {
    if (!layer) throw InvalidArgument(name() + " (Sequential): an empty Layer was added");
    if (stack_.empty() && layer.impl().symbolic_input()) {
      input_ = output_ = layer.impl().symbolic_input();
    } else if (output_) {
      extend(layer);
    } else if (const auto* model = dynamic_cast<const ModelImpl*>(&layer.impl());
               model && stack_.empty() && model->has_graph()) {
      // A model as first layer brings its own input shape.
      const Value& inner = model->inputs().front();
      input_ = output_ = InputLayerImpl(inner.shape(), inner.dtype(), name() + "_input").symbolic_input();
      extend(layer);
    }
    stack_.push_back(layer);
  }
  void connect(const Value& input) {
    // Building happens during a call, perhaps inside a trace; the graph must be made of layer calls all the same.
    const ActiveTrace no_trace(nullptr);
    input_ = output_ = input;
    for (const Layer& layer : stack_) {
      if (!layer.impl().symbolic_input()) extend(layer);
    }
  }
  void extend(const Layer& layer) { output_ = layer.impl()(std::span<const Value>(&output_, 1), {}).front(); }
  void update() {
    if (input_ && output_ != input_) {
      set_graph({input_}, {output_});
      if (!built()) build_for(std::span<const Shape>(&input_.shape(), 1));
    }
    // Keras leaves the InputLayer out of Sequential.layers.
    std::vector<Layer> layers;
    for (const Layer& layer : stack_) {
      if (!layer.impl().symbolic_input()) layers.push_back(layer);
    }
    set_layers(std::move(layers));
  }

  std::vector<Layer> stack_;
  Value input_, output_;
};

}  // namespace

Sequential::Sequential() : Sequential(std::vector<Layer>{}) {}
Sequential::Sequential(std::initializer_list<Layer> layers, ModelOptions options)
    : Sequential(std::vector<Layer>(layers), std::move(options)) {}
Sequential::Sequential(std::vector<Layer> layers, ModelOptions options)
    : Model(std::make_shared<SequentialImpl>(std::move(layers), std::move(options))) {}
void Sequential::add(const Layer& layer) { static_cast<SequentialImpl&>(model_impl()).add(layer); }
void Sequential::pop() { static_cast<SequentialImpl&>(model_impl()).pop(); }

}  // namespace keratin
