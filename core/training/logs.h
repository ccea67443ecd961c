// Logs: named numbers in order, as training, evaluation and callbacks report them.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace keratin {

class Logs {
 public:
  Logs();
  // Not inline: copied wherever users write a model.
  Logs(const Logs&);
  Logs(Logs&&) noexcept;
  Logs& operator=(const Logs&);
  Logs& operator=(Logs&&) noexcept;
  ~Logs();
  explicit Logs(std::vector<std::pair<std::string, double>> items) : items_(std::move(items)) {}
  // Throws InvalidArgument for an unknown name, with a suggestion.
  double operator[](const std::string& name) const;
  bool contains(const std::string& name) const;
  void set(const std::string& name, double value);
  std::size_t size() const { return items_.size(); }
  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }

 private:
  std::vector<std::pair<std::string, double>> items_;
};

// Logs of a batch: computed when they are read. Reading waits for the device; a callback that reads them in every batch
// makes training on a GPU slower.
class LazyLogs {
 public:
  explicit LazyLogs(const std::function<Logs()>& fetch) : fetch_(fetch) {}
  Logs get() const { return fetch_(); }
  double operator[](const std::string& name) const { return get()[name]; }

 private:
  const std::function<Logs()>& fetch_;
};

// What fit returns: the logs of every epoch.
struct History {
  History();
  History(const History&);
  History(History&&) noexcept;
  History& operator=(const History&);
  History& operator=(History&&) noexcept;
  ~History();

  std::vector<int> epoch;                              // numbers of the epochs, from initial_epoch on
  std::map<std::string, std::vector<double>> history;  // name -> one number for each epoch
  // Throws InvalidArgument for an unknown name, with a suggestion.
  const std::vector<double>& operator[](const std::string& name) const;
};

}  // namespace keratin
