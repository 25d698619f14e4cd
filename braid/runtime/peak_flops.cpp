#include "braid/runtime/peak_flops.h"

#include <algorithm>
#include <chrono>

#include "braid/runtime/autocast.h"

namespace braid::runtime {

double measure_peak_flops(const torch::Device& device, const std::string& dtype) {
  constexpr int64_t kSide = 1024;
  constexpr int kTries = 8;
  const torch::NoGradGuard no_grad;
  const auto type =
      resolve_dtype(dtype, device.type()) == "bfloat16" ? torch::kBFloat16 : torch::kFloat;
  const auto matrix = torch::ones({kSide, kSide}, torch::device(device).dtype(type));
  double best = 1e9;  // seconds
  for (int i = 0; i < kTries; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const auto product = at::mm(matrix, matrix);
    if (device.is_cuda()) torch::cuda::synchronize();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    best = std::min(best, std::max(1e-9, seconds.count()));
  }
  return 2.0 * kSide * kSide * kSide / best;
}

}  // namespace braid::runtime
