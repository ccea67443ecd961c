// ModelImpl: the graph behind a Model, and what compile() has made of it.
#pragma once

#include <memory>
#include <vector>

#include "keratin/core/model/layer.h"

namespace keratin {

class Trainer;

class ModelImpl : public LayerImpl {
 public:
  ModelImpl(std::string class_name, std::string name, bool trainable);
  ~ModelImpl() override;

  // Takes the graph between these values. Throws InvalidArgument when an output depends on another Input.
  void set_graph(Values inputs, Values outputs);
  bool has_graph() const { return !outputs_.empty(); }
  const Values& inputs() const { return inputs_; }
  const Values& outputs() const { return outputs_; }
  const std::vector<Layer>& layers() const { return layers_; }
  // Names of the layers that make the outputs, as Keras names outputs in logs.
  std::vector<std::string> output_names() const;

  bool is_model() const final { return true; }

  using LayerImpl::call;
  Values call(std::span<const Value> inputs, CallContext& context) override;

  // Made on first use. It belongs to this model alone.
  Trainer& trainer();

 protected:
  int input_count() const override;
  void check_inputs(std::span<const Shape> inputs) const override;
  void set_layers(std::vector<Layer> layers);

 private:
  Values inputs_, outputs_;
  std::vector<Layer> layers_;
  std::unique_ptr<Trainer> trainer_;
};

}  // namespace keratin
