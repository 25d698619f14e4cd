// Windows and grids of channels-last feature maps.
#pragma once
#include "braid/torch.h"

namespace braid::nn {

// Cuts x [B,H,W,C] into windows of size x size neighbours: [B*n,size*size,C]. size divides H and W.
torch::Tensor window_partition(const torch::Tensor& x, int64_t size);
// The inverse: [B*n,size*size,C] -> [B,H,W,C].
torch::Tensor window_reverse(const torch::Tensor& windows, int64_t size, int64_t H, int64_t W);

// Cuts x [B,H,W,C] into groups of size x size positions spread evenly over the whole map:
// [B*n,size*size,C]. size divides H and W.
torch::Tensor grid_partition(const torch::Tensor& x, int64_t size);
// The inverse: [B*n,size*size,C] -> [B,H,W,C].
torch::Tensor grid_reverse(const torch::Tensor& groups, int64_t size, int64_t H, int64_t W);

}  // namespace braid::nn
