#include "braid/nn/position/offset_bias.h"

#include <cmath>

namespace braid::nn {

torch::Tensor offset_bias(const torch::Tensor& table, int64_t side, int64_t stride) {
  const int64_t h = table.size(0);
  // Mirrored, so that element side - 1 + d is that of the signed distance d.
  auto signed_table = table.view({h, side, side});
  for (const int64_t dim : {1, 2})
    signed_table = torch::cat({signed_table.slice(dim, 1, side).flip(dim), signed_table},
                              dim);  // [h,2s-1,2s-1]
  // The window that starts at side - 1 - y has the distances of a query at y to all keys.
  return signed_table.unfold(1, side, 1)
      .unfold(2, side, 1)
      .flip({1, 2})  // [h,y,x,y',x']
      .slice(1, 0, side, stride)
      .slice(2, 0, side, stride)
      .reshape({1, h, -1, side * side});
}

torch::Tensor resize_offset_bias(const torch::Tensor& table, int64_t side) {
  const int64_t h = table.size(0);
  const auto old = static_cast<int64_t>(std::lround(std::sqrt(static_cast<double>(table.size(1)))));
  if (table.numel() == 0 || old == side || old * old != table.size(1)) return table;
  const auto grid = table.to(torch::kFloat).reshape({1, h, old, old});
  return at::upsample_bilinear2d(grid, {side, side}, /*align_corners=*/true)
      .reshape({h, side * side})
      .to(table.dtype());
}

}  // namespace braid::nn
