// LSTM and GRU by cuDNN: its descriptors, the memory it asks for, and where the weights lie in its weight space.
#pragma once

#include <memory>
#include <string>

#include "keratin/backends/cuda/device/recurrent.h"
#include "keratin/backends/cuda/error.h"
#include "keratin/core/ops/recurrent.h"
#include "keratin/core/runtime/backend.h"

namespace keratin::cuda {

// One layer in one direction, float32; sequences are (time, n, width), all of the same length.
struct RecurrentProblem {
  RecurrentKind kind = RecurrentKind::lstm;
  i64 time = 0, n = 0, features = 0, units = 0;
  Precision precision = Precision::highest;

  std::string key() const;
};

// A cuDNN descriptor that destroys itself.
template <class T>
class OwnedDescriptor {
 public:
  OwnedDescriptor(const dnn::Api& api, int (*create)(T*), int (*destroy)(T), const char* call) : destroy_(destroy) {
    check_dnn(api, create(&raw_), call);
  }
  ~OwnedDescriptor() {
    if (raw_) destroy_(raw_);
  }
  OwnedDescriptor(const OwnedDescriptor&) = delete;
  OwnedDescriptor& operator=(const OwnedDescriptor&) = delete;
  T get() const { return raw_; }

 private:
  T raw_ = nullptr;
  int (*destroy_)(T);
};

class RecurrentPlan {
 public:
  // Nothing when cuDNN does not support this; `reason` says what it answered.
  static std::shared_ptr<const RecurrentPlan> make(const dnn::Api& api, dnn::Handle handle,
                                                   const RecurrentProblem& problem, std::string& reason);
  // Throws BackendError for what make() says by a reason. Without a handle only the descriptors are made, for tests of
  // the library on machines without a device.
  RecurrentPlan(const dnn::Api& api, dnn::Handle handle, const RecurrentProblem& problem);

  const RecurrentProblem& problem() const { return problem_; }
  std::string description() const;
  // Of the weight space, without Keras's number of biases, which is the caller's.
  const RecurrentWeights& weights() const { return weights_; }
  i64 weight_bytes() const { return static_cast<i64>(weight_bytes_); }
  // What a run in this mode needs; of the reserve, which goes from the forward run to the backward ones, there is none
  // in inference.
  i64 workspace_bytes(dnn::RnnForwardMode mode) const { return static_cast<i64>(workspace_bytes_[mode]); }
  i64 reserve_bytes() const { return static_cast<i64>(reserve_bytes_); }

  // Addresses in device memory. c is of an LSTM only; last_h and last_c may be null.
  struct Forward {
    const float *x, *h, *c, *weights;
    float *y, *last_h, *last_c;
    void *workspace, *reserve;
  };
  void forward(dnn::RnnForwardMode mode, const Forward& f) const;
  // After a forward run in training with these operands and this reserve. A null dlast_h or dlast_c counts as zeros.
  // The gradients of the weights are added to `dweights`.
  struct Backward {
    Forward forward;
    const float *dy, *dlast_h, *dlast_c;
    float *dx, *dh, *dc, *dweights;
  };
  void backward(const Backward& b) const;

 private:
  void find_weights();
  // In a weight space at `base`.
  void find_weights(float* base);

  const dnn::Api& api_;
  dnn::Handle handle_;
  RecurrentProblem problem_;
  OwnedDescriptor<dnn::Dropout> dropout_;
  OwnedDescriptor<dnn::Rnn> rnn_;
  OwnedDescriptor<dnn::RnnData> x_, y_;
  OwnedDescriptor<dnn::Tensor> state_;
  RecurrentWeights weights_;
  std::size_t weight_bytes_ = 0, workspace_bytes_[2] = {}, reserve_bytes_ = 0;
};

}  // namespace keratin::cuda
