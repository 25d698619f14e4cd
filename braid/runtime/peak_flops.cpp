#include "braid/runtime/peak_flops.h"

#include <algorithm>
#include <chrono>

#include "braid/runtime/autocast.h"

namespace braid::runtime {
namespace {

double seconds_of_product(const torch::Tensor& matrix) {
  const auto start = std::chrono::steady_clock::now();
  const auto product = at::mm(matrix, matrix);
  if (matrix.is_cuda()) torch::cuda::synchronize();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

double measure_peak_flops(const torch::Device& device, const std::string& dtype) {
  constexpr double kSecondsOfSide = 0.15;  // processors that slept get their speed meanwhile
  const torch::NoGradGuard no_grad;
  const auto type =
      resolve_dtype(dtype, device.type()) == "bfloat16" ? torch::kBFloat16 : torch::kFloat;
  double most = 0;
  for (const int64_t side : {1024, 2048}) {  // which is faster depends on the caches
    const auto matrix = torch::ones({side, side}, torch::device(device).dtype(type));
    double best = seconds_of_product(matrix);
    for (double spent = 0; spent < kSecondsOfSide;) {
      const double seconds = seconds_of_product(matrix);
      best = std::min(best, std::max(1e-9, seconds));
      spent += std::max(1e-6, seconds);
    }
    const auto n = static_cast<double>(side);
    most = std::max(most, 2 * n * n * n / best);
  }
  return most;
}

}  // namespace braid::runtime
