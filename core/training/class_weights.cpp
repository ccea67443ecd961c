#include "keratin/core/training/class_weights.h"

namespace keratin {

ClassWeights::ClassWeights() : map_(std::make_shared<const Map>()) {}
ClassWeights::ClassWeights(std::initializer_list<std::pair<const std::int64_t, double>> weights)
    : map_(std::make_shared<const Map>(weights)) {}
ClassWeights::ClassWeights(const Map& weights) : map_(std::make_shared<const Map>(weights)) {}
ClassWeights::ClassWeights(const ClassWeights&) = default;
ClassWeights& ClassWeights::operator=(const ClassWeights&) = default;
ClassWeights::~ClassWeights() = default;

bool ClassWeights::empty() const { return map_->empty(); }

}  // namespace keratin
