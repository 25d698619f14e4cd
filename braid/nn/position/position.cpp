#include "braid/nn/position/position.h"

#include <cmath>

namespace braid::nn {

torch::Tensor resample_position_embedding(const torch::Tensor& embedding, int64_t grid_size,
                                          int64_t prefix) {
  const int64_t tokens = embedding.size(1) - prefix, D = embedding.size(2);
  if (tokens < 1 || D < 1 || embedding.size(0) != 1) return embedding;
  const auto old_size = static_cast<int64_t>(std::lround(std::sqrt(static_cast<double>(tokens))));
  if (tokens == grid_size * grid_size || old_size * old_size != tokens) return embedding;
  auto grid = embedding.narrow(1, prefix, tokens).to(torch::kFloat);
  grid = grid.reshape({1, old_size, old_size, D}).permute({0, 3, 1, 2});  // [1,D,s,s]
  grid = at::_upsample_bicubic2d_aa(grid.contiguous(), {grid_size, grid_size},
                                    /*align_corners=*/false);
  grid = grid.permute({0, 2, 3, 1}).reshape({1, grid_size * grid_size, D}).to(embedding.dtype());
  return prefix == 0 ? grid : torch::cat({embedding.narrow(1, 0, prefix), grid}, 1);
}

}  // namespace braid::nn
