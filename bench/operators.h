// What benchmarks of fused operators share: works that take turns, and memory as in the program.
#pragma once
#include <algorithm>
#include <chrono>
#include <functional>
#include <vector>

#include "braid/torch.h"

// As in the program (cli/allocator.cpp): memory that was used stays.
extern "C" {
[[gnu::visibility("default")]] extern const char* malloc_conf;
const char* malloc_conf =
    "metadata_thp:auto,thp:always,dirty_decay_ms:-1,muzzy_decay_ms:-1,background_thread:false";
}

namespace braid::bench {

inline double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// The medians of works that take turns.
inline std::vector<double> alternate(const std::vector<std::function<void()>>& works,
                                     double seconds) {
  std::vector<std::vector<double>> times(works.size());
  const auto start = std::chrono::steady_clock::now();
  for (int round = 0;
       round < 3 ||
       std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() < seconds;
       ++round)
    for (size_t i = 0; i < works.size(); ++i) times[i].push_back(seconds_of(works[i]));
  std::vector<double> medians;
  for (const auto& found : times) medians.push_back(median(found));
  return medians;
}

// What a plain copy of x takes is what memory gives.
inline std::function<void()> copy_of(const torch::Tensor& x) {
  return [x, to = at::empty_like(x)] { to.copy_(x); };
}

// Medians: a copy of x, then forward, and forward with the gradients of `leaves`, of the composed
// and of the fused operator. forward(op, x): op on x; `x` is the first of the leaves, detached.
template <class Operator, class Forward>
std::vector<double> times_of(const std::vector<torch::Tensor>& leaves, const torch::Tensor& dy,
                             const Operator& composed, const Operator& fused,
                             const Forward& forward, double seconds) {
  const auto x = leaves[0].detach();
  const auto alone = [&](const Operator& op) {
    return [&] {
      const torch::NoGradGuard no_grad;
      forward(op, x);
    };
  };
  const auto both = [&](const Operator& op) {
    return [&] { torch::autograd::grad({forward(op, leaves[0])}, leaves, {dy}); };
  };
  return alternate({copy_of(x), alone(composed), alone(fused), both(composed), both(fused)},
                   seconds);
}

}  // namespace braid::bench
