// A learned bias per head and distance between query and key: one number for each pair (|dy|,
// |dx|), the attention_biases of LeViT (https://arxiv.org/abs/2104.01136) and its followers.
#pragma once
#include "braid/nn/position/position_bias.h"

namespace braid::nn {

// table: [h,s*s], row |dy|, column |dx|. Returns what is added to the products of queries and
// keys, [1,h,M,N]: N keys on a grid of s x s pixels, s = grid_size, M queries on every stride-th of
// them.
torch::Tensor attention_bias(const torch::Tensor& table, int64_t grid_size, int64_t stride = 1);

// A table of another grid made to fit this one: linear interpolation that keeps the distance 0 and
// the largest one. Returns `table` itself where it fits or is not of a square grid.
torch::Tensor resize_attention_bias_table(const torch::Tensor& table, int64_t grid_size);

// The table, zeros at first, and the index into it that the references keep in their state. Keys:
// attention_biases, attention_bias_idxs.
class AttentionBiasTableImpl : public PositionBiasImpl {
 public:
  AttentionBiasTableImpl(int64_t grid_size, int64_t num_heads);
  torch::Tensor forward() override;

  torch::Tensor attention_biases;

 private:
  int64_t grid_size_;
};
TORCH_MODULE(AttentionBiasTable);

}  // namespace braid::nn
