// Random numbers that are the same on every platform, unlike the distributions of <random>.
#pragma once
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace braid::data {

class Random {
 public:
  // One independent stream per combination of seed, epoch and item.
  explicit Random(uint64_t seed, uint64_t epoch = 0, uint64_t item = 0)
      : state_(mix(mix(mix(seed) ^ epoch) ^ item)) {}
  uint64_t next() { return mix(state_ += 0x9e3779b97f4a7c15ull); }                    // SplitMix64
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }          // [0, 1)
  double uniform(double low, double high) { return low + (high - low) * uniform(); }  // [low, high)
  int64_t below(int64_t n) {
    return static_cast<int64_t>(uniform() * static_cast<double>(n));
  }                 // 0..n-1
  double normal();  // mean 0, deviation 1
  double gamma(double shape);
  double beta(double a, double b);

  template <class T>
  void shuffle(std::vector<T>& items) {  // Fisher-Yates
    for (size_t i = items.size(); i > 1; --i)
      std::swap(items[i - 1], items[static_cast<size_t>(below(static_cast<int64_t>(i)))]);
  }

 private:
  static uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }
  uint64_t state_;
};

}  // namespace braid::data
