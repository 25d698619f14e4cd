// A learned bias per head and distance between query and key: one number for each pair (|dy|,
// |dx|), the attention_biases of LeViT (https://arxiv.org/abs/2104.01136) and its followers.
#pragma once
#include "braid/torch.h"

namespace braid::nn {

// table: [h,side*side], row |dy|, column |dx|. Returns what is added to the products of queries and
// keys, [1,h,M,N]: N keys on a grid of side x side pixels, M queries on every stride-th of them.
torch::Tensor offset_bias(const torch::Tensor& table, int64_t side, int64_t stride = 1);

// A table of another grid made to fit this one: linear interpolation that keeps the distance 0 and
// the largest one. Returns `table` itself where it fits or is not of a square grid.
torch::Tensor resize_offset_bias(const torch::Tensor& table, int64_t side);

}  // namespace braid::nn
