#include "keratin/core/training/callback.h"

namespace keratin {

Callback::Callback(const Callback&) = default;
Callback::Callback(Callback&&) noexcept = default;
Callback& Callback::operator=(const Callback&) = default;
Callback& Callback::operator=(Callback&&) noexcept = default;
Callback::~Callback() = default;

}  // namespace keratin
