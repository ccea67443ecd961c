// Callback: what runs between the steps of fit (keras.callbacks.Callback).
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <string>

#include "keratin/core/training/logs.h"

namespace keratin {

class Model;

// What a callback knows of, and may do to, the training it is part of.
struct Training {
  Model& model;
  int epochs = 1;
  int initial_epoch = 0;    // on_train_begin may change it: training goes on from there
  std::int64_t steps = -1;  // of an epoch; -1 for generators
  int verbose = 1;
  bool stop = false;  // set: fit ends after this batch or epoch
};

class CallbackImpl {
 public:
  virtual ~CallbackImpl() = default;
  virtual void on_train_begin(Training&) {}
  virtual void on_train_end(Training&, const Logs&) {}
  virtual void on_epoch_begin(Training&, int) {}
  // `logs` may be added to: learning rates, for example.
  virtual void on_epoch_end(Training&, int, Logs&) {}
  // Around the validation of an epoch.
  virtual void on_test_begin(Training&) {}
  virtual void on_test_end(Training&, const Logs&) {}
  virtual void on_train_batch_begin(Training&, std::int64_t) {}
  virtual void on_train_batch_end(Training&, std::int64_t, const LazyLogs&) {}
};

class Callback {
 public:
  // Not inline: copied wherever users write a model.
  Callback(const Callback&);
  Callback(Callback&&) noexcept;
  Callback& operator=(const Callback&);
  Callback& operator=(Callback&&) noexcept;
  ~Callback();

  template <class Impl>
  requires std::derived_from<Impl, CallbackImpl> Callback(
      std::shared_ptr<Impl> impl)  // NOLINT(google-explicit-constructor): `.callbacks = {std::make_shared<Mine>()}`
      : impl_(std::move(impl)) {}
  CallbackImpl* operator->() const { return impl_.get(); }

 private:
  std::shared_ptr<CallbackImpl> impl_;
};

}  // namespace keratin
