// The numbers of 8-bit arithmetic: ranges of activations, scales of weights.
#pragma once
#include <cstdint>

#include "braid/torch.h"

namespace braid::compress {

struct Range {
  double low = 0, high = 0;
};

// uint8, asymmetric: q = round(x / scale) + zero_point.
struct AffineParams {
  double scale = 1;
  int64_t zero_point = 0;
};
inline constexpr int64_t kMostActivation = 255;
// The range is widened to hold zero, which is exact.
AffineParams affine_params(const Range& range);

// x after quantization to that range and back.
torch::Tensor fake_quantize(const torch::Tensor& x, const Range& range);

// Within `observed`, the range of the least mean squared error of the sample. sample: 1-D.
Range mse_range(const torch::Tensor& sample, const Range& observed);

struct WeightScheme {
  int64_t bits = 8;  // of the integers; symmetric, so that 8 are -127 to 127
  bool per_channel = true;
  bool by_mse = true;  // else the largest weight is the largest integer
  int64_t most() const { return (int64_t{1} << (bits - 1)) - 1; }
};
// How a weight is rounded: to scale * q, |q| <= most.
struct WeightGrid {
  torch::Tensor scales;  // [O] float32, or [1]
  int64_t most = 127;
};
// [O] float32, or [1]. weight: outputs first.
torch::Tensor weight_scales(const torch::Tensor& weight, const WeightScheme& scheme);

// Whole numbers, as float32.
torch::Tensor quantize_weight(const torch::Tensor& weight, const WeightGrid& grid);
// The same times the scales.
torch::Tensor round_weight(const torch::Tensor& weight, const WeightGrid& grid);
// The scales against the weight: [O,1,..].
torch::Tensor along_outputs(const torch::Tensor& scales, int64_t rank);

}  // namespace braid::compress
