// ClassWeights: how much samples of each class count (the argument class_weight of keras.Model.fit).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>

namespace keratin {

// {{0, 1.0}, {1, 5.0}}: samples of class 1 count five times; a class that is not named counts once. Of labels that come
// twice the first one holds.
class ClassWeights {
 public:
  using Map = std::map<std::int64_t, double>;
  // Not inline: it is copied wherever users call fit, and would have each program compile the map.
  ClassWeights();
  ClassWeights(std::initializer_list<std::pair<const std::int64_t, double>> weights);
  ClassWeights(const Map& weights);  // NOLINT(google-explicit-constructor)
  ClassWeights(const ClassWeights&);
  ClassWeights& operator=(const ClassWeights&);
  ~ClassWeights();

  bool empty() const;
  const Map& map() const { return *map_; }

 private:
  std::shared_ptr<const Map> map_;
};

}  // namespace keratin
