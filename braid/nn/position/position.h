// Learned positional embeddings of token grids.
#pragma once
#include "braid/torch.h"

namespace braid::nn {

// Resizes the grid part of a positional embedding: bicubic with antialiasing, timm's
// resample_abs_pos_embed. embedding: [1,prefix+s*s,D] of a square grid; returns
// [1,prefix+g*g,D] with g = grid_size. prefix: class and distillation tokens.
torch::Tensor resample_position_embedding(const torch::Tensor& embedding, int64_t grid_size,
                                          int64_t prefix);

}  // namespace braid::nn
