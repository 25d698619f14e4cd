// Learned positional embeddings and image padding for token grids.
#pragma once
#include "braid/torch.h"

namespace braid::nn {

// Resizes the grid part of a positional embedding: bicubic with antialiasing, timm's
// resample_abs_pos_embed. embedding: [1,prefix+s*s,D] of a square grid; returns
// [1,prefix+side*side,D]. prefix: class and distillation tokens.
torch::Tensor resample_position_embedding(const torch::Tensor& embedding, int64_t side,
                                          int64_t prefix);

// Pads x [B,C,H,W] at bottom and right with zeros to multiples of `patch` (timm's dynamic_img_pad).
torch::Tensor pad_to_patches(const torch::Tensor& x, int64_t patch);

}  // namespace braid::nn
