// Data made ready for training (keras.utils): labels as rows of 0 and 1, sequences of one length, windows of a series,
// data cut in two.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "keratin/core/training/data.h"

namespace keratin {

// float32 (..., classes): 1 at the label, else 0. Labels (...) or (..., 1) are whole numbers in [0, num_classes);
// num_classes 0: one more than the largest label. Throws InvalidArgument for others.
Tensor to_categorical(const Tensor& labels, std::int64_t num_classes = 0);

struct PadSequencesOptions {
  std::int64_t maxlen = 0;                          // 0: that of the longest sequence
  std::string padding = "pre", truncating = "pre";  // or "post": at the end
  double value = 0;
};
// (sequences, maxlen): what is shorter is filled up with `value`, what is longer is cut. Throws InvalidArgument for
// other words than "pre" and "post".
Tensor pad_sequences(const std::vector<std::vector<std::int32_t>>& sequences, const PadSequencesOptions& options = {});
Tensor pad_sequences(const std::vector<std::vector<float>>& sequences, const PadSequencesOptions& options = {});

struct SplitDatasetOptions {
  bool shuffle = false;
  std::uint64_t seed = 0;
};
// The first samples and the rest: `left_size` below 1 is a part of them, from 1 on their number. Shuffled data is
// copied. Throws InvalidArgument for generators and when a side would be empty.
std::pair<Dataset, Dataset> split_dataset(const Dataset& data, double left_size,
                                          const SplitDatasetOptions& options = {});

struct TimeseriesOptions {
  std::int64_t sequence_stride = 1;  // from the begin of a window to that of the next one
  std::int64_t sampling_rate = 1;    // from one row of a window to the next one
  std::int64_t batch_size = 128;
  bool shuffle = false;  // another order of the windows in each epoch
  std::uint64_t seed = 0;
  std::int64_t start_index = 0, end_index = -1;  // rows of the data that windows may use; -1: to the end
};
// Windows (batch, sequence_length, features...) of the rows of `data`, and of `targets` the row with the number of the
// window's first one; without targets (an undefined tensor), batches have no y. Windows are made batch by batch. Throws
// InvalidArgument when there is not one of them, and for numbers that are not positive.
Dataset timeseries_dataset_from_array(const Tensor& data, const Tensor& targets, std::int64_t sequence_length,
                                      const TimeseriesOptions& options = {});

}  // namespace keratin
