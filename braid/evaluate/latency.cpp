#include "braid/evaluate/latency.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "braid/runtime/eval_scope.h"

namespace braid::evaluate {
namespace {

using Clock = std::chrono::steady_clock;

// Seconds of each call on `images`, after the warm-up.
std::vector<double> time_calls(models::ImageModel& model, const torch::Tensor& images,
                               const LatencyOptions& options, int64_t least) {
  const auto call = [&] {
    const auto start = Clock::now();
    model.forward(images);
    if (images.is_cuda()) torch::cuda::synchronize();
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  for (int64_t i = 0; i < options.warm_up; ++i) call();
  constexpr size_t kMostCalls = 1000;
  std::vector<double> seconds;
  double total = 0;
  while (static_cast<int64_t>(seconds.size()) < least ||
         (total < options.max_seconds && seconds.size() < kMostCalls)) {
    seconds.push_back(call());
    total += seconds.back();
  }
  return seconds;
}

}  // namespace

Latency measure_latency(models::ImageModel& model, const data::InputConfig& input,
                        const LatencyOptions& options) {
  const runtime::EvalScope scope(model, options.dtype);
  const auto random_images = [&](int64_t batch) {
    const auto format =
        input.channels > 1 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
    return torch::randn({batch, input.channels, input.height, input.width})
        .to(scope.device())
        .contiguous(format);
  };
  const auto single = time_calls(model, random_images(1), options, options.min_calls);
  LatencyOptions few = options;
  few.warm_up = std::min<int64_t>(options.warm_up, 2);
  const auto batched =
      time_calls(model, random_images(options.throughput_batch), few, options.throughput_calls);
  Latency latency;
  latency.p50_ms = 1e3 * quantile(single, 0.50);
  latency.p95_ms = 1e3 * quantile(single, 0.95);
  latency.images_per_s = static_cast<double>(options.throughput_batch) / quantile(batched, 0.5);
  latency.calls = static_cast<int64_t>(single.size());
  return latency;
}

double quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  const double at = q * static_cast<double>(values.size() - 1);
  const auto low = static_cast<size_t>(std::floor(at));
  const size_t high = std::min(low + 1, values.size() - 1);
  return values[low] + (at - static_cast<double>(low)) * (values[high] - values[low]);
}

}  // namespace braid::evaluate
