#include "braid/compress/ranges.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace braid::compress {
namespace {

using torch::Tensor;

// What a bound of the observed range is multiplied with: outliers are cut coarsely, then finely.
constexpr std::array<double, 16> kShrinks = {1.0, 0.95, 0.9, 0.85, 0.8,  0.75, 0.7,  0.6,
                                             0.5, 0.4,  0.3, 0.2,  0.14, 0.1,  0.06, 0.03};
constexpr std::array<double, 4> kFineSteps = {0.96, 0.98, 1.02, 1.04};
constexpr int kRounds = 2;

double squared_error(const Tensor& sample, const Range& range) {
  return (fake_quantize(sample, range) - sample).square().mean().item<double>();
}

// Of candidates for one bound, that of the least error; `range` gets it.
template <size_t N>
void improve(const Tensor& sample, double& bound, Range& range, double& error, double observed,
             const std::array<double, N>& factors, double from) {
  double best = bound;
  for (const double factor : factors) {
    bound = from * factor;
    if (std::abs(bound) > std::abs(observed)) continue;
    const double candidate = squared_error(sample, range);
    if (candidate < error) {
      error = candidate;
      best = bound;
    }
  }
  bound = best;
}

}  // namespace

AffineParams affine_params(const Range& range) {
  const double low = std::min(range.low, 0.0), high = std::max(range.high, 0.0);
  AffineParams params;
  if (high - low < 1e-12) return params;
  params.scale = static_cast<float>((high - low) / kMostActivation);
  params.zero_point = std::clamp<int64_t>(std::llround(-low / params.scale), 0, kMostActivation);
  return params;
}

Tensor fake_quantize(const Tensor& x, const Range& range) {
  const auto params = affine_params(range);
  return at::fake_quantize_per_tensor_affine(x, params.scale, params.zero_point, 0,
                                             kMostActivation);
}

Range mse_range(const Tensor& sample, const Range& observed) {
  Range range{std::min(observed.low, 0.0), std::max(observed.high, 0.0)};
  if (sample.numel() == 0) return range;
  double error = squared_error(sample, range);
  for (int round = 0; round < kRounds; ++round) {
    if (range.high > 0)
      improve(sample, range.high, range, error, observed.high, kShrinks, observed.high);
    if (range.low < 0)
      improve(sample, range.low, range, error, observed.low, kShrinks, observed.low);
  }
  if (range.high > 0)
    improve(sample, range.high, range, error, observed.high, kFineSteps, range.high);
  if (range.low < 0) improve(sample, range.low, range, error, observed.low, kFineSteps, range.low);
  return range;
}

Tensor along_outputs(const Tensor& scales, int64_t rank) {
  std::vector<int64_t> shape(static_cast<size_t>(rank), 1);
  shape[0] = -1;
  return scales.view(shape);
}

Tensor quantize_weight(const Tensor& weight, const WeightGrid& grid) {
  const auto inverse = along_outputs(1.0f / grid.scales, weight.dim());
  return (weight * inverse).round_().clamp_(-grid.most, grid.most);
}

Tensor round_weight(const Tensor& weight, const WeightGrid& grid) {
  return quantize_weight(weight, grid).mul_(along_outputs(grid.scales, weight.dim()));
}

Tensor weight_scales(const Tensor& weight, const WeightScheme& scheme) {
  const auto rows = scheme.per_channel ? weight.detach().to(torch::kFloat).flatten(1)
                                       : weight.detach().to(torch::kFloat).reshape({1, -1});
  const auto most = static_cast<double>(scheme.most());
  auto largest = std::get<0>(rows.abs().max(1)).clamp_min(1e-8) / most;
  if (!scheme.by_mse) return largest;
  const auto error_of = [&](const Tensor& scales) {
    return (round_weight(rows, {scales, scheme.most()}) - rows).square_().sum(1);
  };
  auto best = largest.clone(), least = error_of(largest);
  const double deepest = scheme.bits >= 7 ? 0.8 : 0.4;
  const double step = scheme.bits >= 7 ? 0.04 : 0.03;
  double factor = 1 - step;
  while (factor > deepest) {
    const auto scales = largest * factor;
    const auto error = error_of(scales);
    const auto better = error < least;
    best = torch::where(better, scales, best);
    least = torch::where(better, error, least);
    factor -= step;
  }
  return best;
}

}  // namespace braid::compress
