// Rotary position embedding of a grid, timm's RotaryEmbeddingCat and apply_rot_embed_cat.
//
// Paper: Su et al., https://arxiv.org/abs/2104.09864
#pragma once
#include "braid/torch.h"

namespace braid::nn {

// One half of the channels turns with the row, the other with the column, each in dim / 4
// frequencies, whose highest is pi * 112. Rows and columns run from -1 to 1, whatever the grid's
// size. dim: channels of a head, a multiple of 4. [height*width,2*dim], sines then cosines.
torch::Tensor rotary_embedding(int64_t dim, int64_t height, int64_t width,
                               const torch::TensorOptions& options);
// x: [...,N,dim], each channel turned with its neighbour by an embedding [N,2*dim].
torch::Tensor apply_rotary(const torch::Tensor& x, const torch::Tensor& embedding);

}  // namespace braid::nn
