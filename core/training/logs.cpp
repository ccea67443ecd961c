#include "keratin/core/training/logs.h"

#include "keratin/core/tensor/errors.h"

namespace keratin {

Logs::Logs() = default;
Logs::Logs(const Logs&) = default;
Logs::Logs(Logs&&) noexcept = default;
Logs& Logs::operator=(const Logs&) = default;
Logs& Logs::operator=(Logs&&) noexcept = default;
Logs::~Logs() = default;

History::History() = default;
History::History(const History&) = default;
History::History(History&&) noexcept = default;
History& History::operator=(const History&) = default;
History& History::operator=(History&&) noexcept = default;
History::~History() = default;

bool Logs::contains(const std::string& name) const {
  for (const auto& [key, value] : items_) {
    if (key == name) return true;
  }
  return false;
}

double Logs::operator[](const std::string& name) const {
  std::vector<std::string> names;
  for (const auto& [key, value] : items_) {
    if (key == name) return value;
    names.push_back(key);
  }
  throw InvalidArgument("the logs have no '" + name + "'" + did_you_mean(name, names));
}

void Logs::set(const std::string& name, double value) {
  for (auto& [key, old] : items_) {
    if (key == name) {
      old = value;
      return;
    }
  }
  items_.emplace_back(name, value);
}

const std::vector<double>& History::operator[](const std::string& name) const {
  auto found = history.find(name);
  if (found != history.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [key, values] : history) names.push_back(key);
  throw InvalidArgument("the history has no '" + name + "'" + did_you_mean(name, names));
}

}  // namespace keratin
