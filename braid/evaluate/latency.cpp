#include "braid/evaluate/latency.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

namespace braid::evaluate {
namespace {

// Seconds of each call on a batch of `items`, after the warm-up.
std::vector<double> time_calls(Inference& model, int64_t items, int64_t warm_up, int64_t least,
                               double max_seconds) {
  using Clock = std::chrono::steady_clock;
  model.set_batch(items);
  const auto call = [&] {
    const auto start = Clock::now();
    model.call();
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  for (int64_t i = 0; i < warm_up; ++i) call();
  constexpr size_t kMostCalls = 1000;
  std::vector<double> seconds;
  double total = 0;
  while (static_cast<int64_t>(seconds.size()) < least ||
         (total < max_seconds && seconds.size() < kMostCalls)) {
    seconds.push_back(call());
    total += seconds.back();
  }
  return seconds;
}

}  // namespace

Latency measure_latency(Inference& model, const LatencyOptions& o) {
  const auto single = time_calls(model, 1, o.warm_up, o.min_calls, o.max_seconds);
  const auto batched = time_calls(model, o.throughput_batch, std::min<int64_t>(o.warm_up, 2),
                                  o.throughput_calls, o.max_seconds);
  Latency latency;
  latency.p50_ms = 1e3 * quantile(single, 0.50);
  latency.p95_ms = 1e3 * quantile(single, 0.95);
  latency.items_per_s = static_cast<double>(o.throughput_batch) / quantile(batched, 0.5);
  latency.calls = static_cast<int64_t>(single.size());
  return latency;
}

double least_latency_ms(const std::function<void()>& call) {
  constexpr int kCalls = 5;
  using Clock = std::chrono::steady_clock;
  call();  // warm-up
  double least = std::numeric_limits<double>::infinity();
  for (int i = 0; i < kCalls; ++i) {
    const auto start = Clock::now();
    call();
    least =
        std::min(least, std::chrono::duration<double, std::milli>(Clock::now() - start).count());
  }
  return least;
}

double warm_items_per_s(int64_t items, const std::function<void()>& call) {
  call();
  const auto start = std::chrono::steady_clock::now();
  call();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  return static_cast<double>(items) / std::max(1e-6, seconds.count());
}

double quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  const double at = q * static_cast<double>(values.size() - 1);
  const auto low = static_cast<size_t>(std::floor(at));
  const size_t high = std::min(low + 1, values.size() - 1);
  return values[low] + (at - static_cast<double>(low)) * (values[high] - values[low]);
}

}  // namespace braid::evaluate
