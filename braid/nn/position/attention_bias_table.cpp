#include "braid/nn/position/attention_bias_table.h"

#include <cmath>

namespace braid::nn {

torch::Tensor attention_bias(const torch::Tensor& table, int64_t grid_size, int64_t stride) {
  const int64_t h = table.size(0);
  // Mirrored, so that element grid_size - 1 + d is that of the signed distance d.
  auto signed_table = table.view({h, grid_size, grid_size});
  for (const int64_t dim : {1, 2})
    signed_table = torch::cat({signed_table.slice(dim, 1, grid_size).flip(dim), signed_table},
                              dim);  // [h,2s-1,2s-1]
  // The window that starts at grid_size - 1 - y has the distances of a query at y to all keys.
  return signed_table.unfold(1, grid_size, 1)
      .unfold(2, grid_size, 1)
      .flip({1, 2})  // [h,y,x,y',x']
      .slice(1, 0, grid_size, stride)
      .slice(2, 0, grid_size, stride)
      .reshape({1, h, -1, grid_size * grid_size});
}

torch::Tensor resize_attention_bias_table(const torch::Tensor& table, int64_t grid_size) {
  const int64_t h = table.size(0);
  const auto old = static_cast<int64_t>(std::lround(std::sqrt(static_cast<double>(table.size(1)))));
  if (table.numel() == 0 || old == grid_size || old * old != table.size(1)) return table;
  const auto grid = table.to(torch::kFloat).reshape({1, h, old, old});
  return at::upsample_bilinear2d(grid, {grid_size, grid_size}, /*align_corners=*/true)
      .reshape({h, grid_size * grid_size})
      .to(table.dtype());
}

AttentionBiasTableImpl::AttentionBiasTableImpl(int64_t grid_size, int64_t num_heads)
    : grid_size_(grid_size) {
  attention_biases =
      register_parameter("attention_biases", torch::zeros({num_heads, grid_size * grid_size}));
  const auto cells = torch::arange(grid_size * grid_size);
  const auto row = cells.div(grid_size, "floor"), col = cells.remainder(grid_size);
  const auto distance = [](const torch::Tensor& at) { return (at.unsqueeze(1) - at).abs(); };
  register_buffer("attention_bias_idxs", distance(row) * grid_size + distance(col));
}

torch::Tensor AttentionBiasTableImpl::forward() {
  return attention_bias(attention_biases, grid_size_);
}

}  // namespace braid::nn
