// Resident data as a stream: batches gathered on the host, for data that the device's memory does not hold.
#pragma once

#include "keratin/core/training/data.h"

namespace keratin {

// Of all its tensors.
std::int64_t bytes_of(const Dataset& data);

// Batches of `batch` samples and a smaller last one, in the order in which a device goes through the data under this
// key (ResidentData::begin).
Generator stream_batches(const Dataset& data, std::int64_t batch, bool shuffle, std::uint64_t key);

// The data as a generator's, in order, with the same maps.
Dataset streamed(const Dataset& data, std::int64_t batch);

}  // namespace keratin
