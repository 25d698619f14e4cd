// CoAtNet's relative position bias.
#include <cmath>

#include "braid/models/hybrid/coatnet.h"
#include "braid/nn/init.h"

namespace braid::models {

RelPosBiasImpl::RelPosBiasImpl(int64_t side, int64_t num_heads)
    : side_(side), num_heads_(num_heads) {
  const int64_t positions = (2 * side - 1) * (2 * side - 1);
  relative_position_bias_table =
      register_parameter("relative_position_bias_table", torch::empty({positions, num_heads}));
  nn::trunc_normal_(relative_position_bias_table, 0.02);
}

torch::Tensor RelPosBiasImpl::forward() const {
  const int64_t s = side_, h = num_heads_;
  // Query y and key y' read row y - y' + s - 1: element y of the window that starts at s - 1 - y'.
  return relative_position_bias_table.view({2 * s - 1, 2 * s - 1, h})
      .unfold(0, s, 1)
      .unfold(1, s, 1)  // [y',x',h,y,x], starts in reverse order
      .flip({0, 1})
      .permute({2, 3, 4, 0, 1})        // [h,y,x,y',x']
      .reshape({1, h, s * s, s * s});  // [1,h,N,N]
}

namespace {

// Where the old table's positions lie, in units of new positions: steps that grow geometrically
// from 1 at the centre until the old extent covers the new one (BEiT's scheme).
std::vector<double> old_coordinates(int64_t old_extent, int64_t new_extent) {
  const int64_t half = old_extent / 2;
  double low = 1.01, high = 1.5, ratio = low;
  while (high - low > 1e-6) {
    ratio = (low + high) / 2;
    const double sum = (1 - std::pow(ratio, half)) / (1 - ratio);
    (sum > static_cast<double>(new_extent / 2) ? high : low) = ratio;
  }
  std::vector<double> coordinates(static_cast<size_t>(2 * half + 1), 0.0);
  double current = 1;
  for (int64_t i = 0; i < half; ++i) {
    coordinates[static_cast<size_t>(half + 1 + i)] = current;
    coordinates[static_cast<size_t>(half - 1 - i)] = -current;
    current += std::pow(ratio, i + 1);
  }
  return coordinates;
}

// [new_extent,old_extent]: linear interpolation between unevenly spaced positions; the edge value
// beyond them.
torch::Tensor interpolation_matrix(int64_t old_extent, int64_t new_extent) {
  const auto old = old_coordinates(old_extent, new_extent);
  auto matrix = torch::zeros({new_extent, old_extent});
  auto weights = matrix.accessor<float, 2>();
  for (int64_t i = 0; i < new_extent; ++i) {
    const auto x = static_cast<double>(i - new_extent / 2);
    const auto right = std::lower_bound(old.begin(), old.end(), x) - old.begin();
    if (right == 0 || right == old_extent) {
      weights[i][right == 0 ? 0 : old_extent - 1] = 1;
      continue;
    }
    const double a = old[static_cast<size_t>(right - 1)], b = old[static_cast<size_t>(right)];
    weights[i][right - 1] = static_cast<float>((b - x) / (b - a));
    weights[i][right] = static_cast<float>((x - a) / (b - a));
  }
  return matrix;
}

}  // namespace

torch::Tensor RelPosBiasImpl::resize(const torch::Tensor& table, int64_t side) {
  const int64_t new_extent = 2 * side - 1, heads = table.size(1);
  const auto old_extent =
      static_cast<int64_t>(std::lround(std::sqrt(static_cast<double>(table.size(0)))));
  if (old_extent * old_extent != table.size(0) || old_extent == new_extent || old_extent % 2 == 0)
    return table;
  const auto matrix = interpolation_matrix(old_extent, new_extent);
  auto grid = table.to(torch::kFloat).t().reshape({heads, old_extent, old_extent});
  grid = torch::matmul(torch::matmul(matrix, grid), matrix.t());  // [h,new,new]
  return grid.reshape({heads, new_extent * new_extent}).t().contiguous().to(table.dtype());
}

}  // namespace braid::models
