#include "braid/nn/position/relative_position.h"

#include <algorithm>
#include <cmath>

#include "braid/nn/basic/init.h"

namespace braid::nn {

torch::Tensor relative_position_bias(const torch::Tensor& table, int64_t grid_size) {
  const int64_t s = grid_size, h = table.size(-1);
  // Query y and key y' read row y - y' + s - 1: element y of the window that starts at s - 1 - y'.
  return table.view({2 * s - 1, 2 * s - 1, h})
      .unfold(0, s, 1)
      .unfold(1, s, 1)  // [y',x',h,y,x], starts in reverse order
      .flip({0, 1})
      .permute({2, 3, 4, 0, 1})       // [h,y,x,y',x']
      .reshape({1, h, s * s, s * s})  // [1,h,N,N]
      .contiguous();                  // fused attention wants keys side by side
}

namespace {

// Where the old table's positions lie, in units of new positions: steps that grow geometrically
// from 1 at the centre until the old extent covers the new one (BEiT's scheme).
std::vector<double> old_coordinates(int64_t old_extent, int64_t new_extent) {
  const int64_t half = old_extent / 2, reach = new_extent / 2;
  double low = 1.01, high = 1.5, ratio = low;
  while (high - low > 1e-6) {
    ratio = (low + high) / 2;
    const double sum = (1 - std::pow(ratio, half)) / (1 - ratio);
    (sum > static_cast<double>(reach) ? high : low) = ratio;
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
  const int64_t centre = new_extent / 2;
  for (int64_t i = 0; i < new_extent; ++i) {
    const auto x = static_cast<double>(i - centre);
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

// [h,old,old] -> [h,new,new]
torch::Tensor resize_grid(const torch::Tensor& grid, int64_t new_extent) {
  const auto matrix = interpolation_matrix(grid.size(1), new_extent);
  return torch::matmul(torch::matmul(matrix, grid.to(torch::kFloat)), matrix.t()).to(grid.dtype());
}

}  // namespace

torch::Tensor resize_relative_position_table(const torch::Tensor& table, int64_t grid_size) {
  const bool flat = table.dim() == 2;
  const int64_t new_extent = 2 * grid_size - 1, heads = table.size(flat ? 1 : 0);
  const auto old_extent =
      flat ? std::lround(std::sqrt(static_cast<double>(table.size(0)))) : table.size(1);
  const bool square = flat ? old_extent * old_extent == table.size(0) : old_extent == table.size(2);
  if (!square || old_extent == new_extent || old_extent % 2 == 0) return table;
  if (!flat) return resize_grid(table, new_extent);
  return resize_grid(table.t().reshape({heads, old_extent, old_extent}), new_extent)
      .flatten(1)
      .t()
      .contiguous();
}

RelativePositionBiasImpl::RelativePositionBiasImpl(int64_t grid_size, int64_t num_heads, bool tf)
    : grid_size_(grid_size), tf_(tf) {
  const int64_t extent = 2 * grid_size - 1;
  relative_position_bias_table = register_parameter(
      "relative_position_bias_table",
      tf ? torch::empty({num_heads, extent, extent}) : torch::empty({extent * extent, num_heads}));
  if (tf)
    torch::nn::init::normal_(relative_position_bias_table, 0.0, 0.02);
  else
    trunc_normal_(relative_position_bias_table, 0.02);
}

torch::Tensor RelativePositionBiasImpl::forward() {
  if (!tf_) return relative_position_bias(relative_position_bias_table, grid_size_);
  const auto table = relative_position_bias_table.flip({1, 2});  // [h,2s-1,2s-1], query - key
  return relative_position_bias(table.permute({1, 2, 0}), grid_size_);
}

RelativePositionMlpImpl::RelativePositionMlpImpl(int64_t grid_size, int64_t num_heads,
                                                 int64_t hidden_dim)
    : grid_size_(grid_size) {
  mlp = register_module("mlp", Mlp(MlpConfig{.in_features = 2,
                                             .hidden_features = hidden_dim,
                                             .out_features = num_heads,
                                             .act = Act::kRelu,
                                             .drop = 0.125,
                                             .drop_out = 0.0}));
}

torch::Tensor RelativePositionMlpImpl::forward() {
  const auto& weight = mlp->fc1->weight;
  // Float32 whatever the weights are, as in timm: the logarithms are part of the trained function.
  const auto offsets =
      torch::arange(1 - grid_size_, grid_size_, weight.options().dtype(torch::kFloat));
  const auto axes = torch::meshgrid({offsets, offsets}, "ij");
  const auto coordinates = torch::stack({axes[0], axes[1]}, -1);  // [2s-1,2s-1,2]
  const auto logarithms = coordinates.sign() * (1.0 + coordinates.abs()).log();
  return relative_position_bias(mlp->forward(logarithms.to(weight.dtype())), grid_size_);
}

}  // namespace braid::nn
