// Context: one device as the kernels see it: its stream, the libraries' handles, and what was decided for it before.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "keratin/backends/cuda/error.h"
#include "keratin/backends/cuda/libraries.h"

namespace keratin::cuda {

struct MatmulAlgorithms;
class ConvPlan;
class RecurrentPlan;

class Context {
 public:
  // Makes the device's context, a stream and the handles. Throws DeviceError.
  Context(int device, const Libraries& libraries);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  int device() const { return device_; }
  int compute_capability() const { return compute_capability_; }
  Stream stream() const { return stream_; }
  // For the branches of graphs: stream(), and others once they are made. False when they cannot be made. The mutex is
  // held.
  bool make_branch_streams();
  std::vector<Stream> branch_streams() const;
  void drop_branch_streams();
  const Libraries& libraries() const { return libraries_; }
  const blas::Api& blas() const { return *libraries_.blas; }
  blas::Handle blas_handle() const { return blas_handle_; }
  // nullptr when cuDNN cannot be used; libraries().dnn_reason or dnn_reason() says why.
  const dnn::Api* dnn() const { return dnn_handle_ ? libraries_.dnn : nullptr; }
  dnn::Handle dnn_handle() const { return dnn_handle_; }
  const std::string& dnn_reason() const { return dnn_reason_; }
  // Bytes of the device that nobody allocated: the driver's context, the libraries' handles and kernels. Measured as
  // what became less while they were made; other programs on the device may disturb it.
  std::int64_t overhead() const { return overhead_; }

  // Held by whoever puts work on the stream: one thread's copy must not land in another one's capture.
  std::recursive_mutex& mutex() const { return mutex_; }
  // Makes the device the calling thread's.
  void activate() const;

  // While it lives, what becomes less of the device's free memory counts as overhead; for where the libraries load
  // kernels and Keratin allocates nothing. The mutex is held.
  class OverheadMeter {
   public:
    explicit OverheadMeter(Context& context);
    ~OverheadMeter();
    OverheadMeter(const OverheadMeter&) = delete;
    OverheadMeter& operator=(const OverheadMeter&) = delete;

   private:
    Context& context_;
    std::int64_t free_;
  };

  // A plan is being captured: a library that fails then says nothing about its algorithms, and none is chosen anew.
  // Guarded by the mutex, as are the decisions by key.
  bool capturing = false;
  std::map<std::string, std::shared_ptr<MatmulAlgorithms>> matmuls;
  std::map<std::string, std::shared_ptr<ConvPlan>> convs;
  std::map<std::string, std::string> conv_refusals;  // why there is none of cuDNN's, by the same key
  std::map<std::string, std::shared_ptr<const RecurrentPlan>> recurrents;

 private:
  int device_;
  int compute_capability_ = 0;
  const Libraries& libraries_;
  Stream stream_ = nullptr;
  std::vector<Stream> branch_streams_;  // without stream_
  blas::Handle blas_handle_ = nullptr;
  dnn::Handle dnn_handle_ = nullptr;
  std::string dnn_reason_;
  std::int64_t overhead_ = 0;
  mutable std::recursive_mutex mutex_;
};

}  // namespace keratin::cuda
