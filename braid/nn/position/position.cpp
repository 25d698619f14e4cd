#include "braid/nn/position/position.h"

#include <cmath>

namespace braid::nn {

torch::Tensor resample_position_embedding(const torch::Tensor& embedding, int64_t side,
                                          int64_t prefix) {
  const int64_t tokens = embedding.size(1) - prefix, D = embedding.size(2);
  if (tokens < 1 || D < 1 || embedding.size(0) != 1) return embedding;
  const auto old_side = static_cast<int64_t>(std::lround(std::sqrt(static_cast<double>(tokens))));
  if (tokens == side * side || old_side * old_side != tokens) return embedding;
  auto grid = embedding.narrow(1, prefix, tokens).to(torch::kFloat);
  grid = grid.reshape({1, old_side, old_side, D}).permute({0, 3, 1, 2});  // [1,D,s,s]
  grid = at::_upsample_bicubic2d_aa(grid.contiguous(), {side, side}, /*align_corners=*/false);
  grid = grid.permute({0, 2, 3, 1}).reshape({1, side * side, D}).to(embedding.dtype());
  return prefix == 0 ? grid : torch::cat({embedding.narrow(1, 0, prefix), grid}, 1);
}

torch::Tensor pad_to_patches(const torch::Tensor& x, int64_t patch) {
  const int64_t bottom = (patch - x.size(2) % patch) % patch;
  const int64_t right = (patch - x.size(3) % patch) % patch;
  return bottom == 0 && right == 0 ? x : torch::constant_pad_nd(x, {0, right, 0, bottom}, 0);
}

}  // namespace braid::nn
