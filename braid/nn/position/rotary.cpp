#include "braid/nn/position/rotary.h"

#include <cmath>
#include <numbers>

namespace braid::nn {
namespace {

using torch::Tensor;

constexpr double kMaxRes = 224;  // pixels that the highest frequency can tell apart

// Angles per unit of a coordinate, [count]; float32 whatever the model's type, as in timm.
Tensor frequencies(int64_t count) {
  return torch::pow(2.0, torch::linspace(0.0, std::log2(kMaxRes) - 1, count)) * std::numbers::pi;
}

// The partner that each channel turns with, negated for the first of a pair.
Tensor partners(const Tensor& x) {
  const auto pairs = x.unflatten(-1, {-1, 2});  // [...,dim/2,2]
  return torch::stack({-pairs.select(-1, 1), pairs.select(-1, 0)}, -1).flatten(-2);
}

}  // namespace

Tensor rotary_embedding(int64_t dim, int64_t height, int64_t width,
                        const torch::TensorOptions& options) {
  const int64_t count = dim / 4;
  const auto bands = frequencies(count);
  const auto angles = [&](int64_t positions) {
    return torch::linspace(-1.0, 1.0, positions).unsqueeze(1) * bands;
  };
  const auto rows = angles(height).unsqueeze(1), columns = angles(width).unsqueeze(0);
  // The sines of rows and columns are few: they are spread over the grid afterwards.
  const auto spread = [&](const Tensor& row, const Tensor& column) {
    return torch::cat({row.expand({height, width, count}), column.expand({height, width, count})},
                      -1)
        .repeat_interleave(2, -1);
  };
  return torch::cat({spread(rows.sin(), columns.sin()), spread(rows.cos(), columns.cos())}, -1)
      .flatten(0, 1)
      .to(options);
}

Tensor apply_rotary(const Tensor& x, const Tensor& embedding) {
  const auto parts = embedding.chunk(2, -1);
  return (x * parts[1] + partners(x) * parts[0]).to(x.dtype());
}

}  // namespace braid::nn
