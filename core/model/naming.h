// Keras's names: snake_case of class names, numbered per process.
#pragma once

#include <string>
#include <string_view>

namespace keratin {

// "MaxPooling2D" -> "max_pooling2d", "ReLU" -> "re_lu" (keras/src/utils/naming.py).
std::string to_snake_case(std::string_view class_name);
// "dense", then "dense_1", "dense_2", ...
std::string unique_name(std::string_view class_name);
// Starts numbering again, as keras.utils.clear_session does for names.
void reset_names();

// The seed of everything random that is given no seed of its own: initial weights, shuffling, dropout. Default 0.
void set_random_seed(std::uint64_t seed);
std::uint64_t random_seed();
// A number that differs on every call and depends on the seed and the number of calls since it was set.
std::uint64_t next_seed();

}  // namespace keratin
