// Attention biases that depend on the relative position of query and key inside a square window.
#pragma once

#include "braid/nn/mlp/mlp.h"
#include "braid/nn/position/position_bias.h"
#include "braid/torch.h"

namespace braid::nn {

// table: [(2s-1)^2,h] or [2s-1,2s-1,h], one number per head and offset query - key + s - 1 (rows,
// then columns). Returns [1,h,N,N], N = s * s and s = grid_size, queries in the third dimension.
torch::Tensor relative_position_bias(const torch::Tensor& table, int64_t grid_size);

// A table of another window made to fit one of grid_size positions a side, as timm's
// resize_rel_pos_bias_table does it. table: [(2s-1)^2,h] or [h,2s-1,2s-1]; returned as it is where
// its size is right or makes no sense.
torch::Tensor resize_relative_position_table(const torch::Tensor& table, int64_t grid_size);

// A learned number per head and offset, timm's RelPosBias, Normal(0, 0.02). `tf`: as TensorFlow's
// MaxViT has it, timm's RelPosBiasTf: the table is [h,2s-1,2s-1] and its offsets are key - query.
// Keys: relative_position_bias_table.
class RelativePositionBiasImpl : public PositionBiasImpl {
 public:
  RelativePositionBiasImpl(int64_t grid_size, int64_t num_heads, bool tf = false);
  torch::Tensor forward() override;

  torch::Tensor relative_position_bias_table;

 private:
  int64_t grid_size_;
  bool tf_;
};
TORCH_MODULE(RelativePositionBias);

// A small MLP of the offsets' signed logarithms (https://arxiv.org/abs/2111.09883), timm's
// RelPosMlp in mode "cr": its weights fit every window. Keys: mlp.fc1, mlp.fc2.
class RelativePositionMlpImpl : public PositionBiasImpl {
 public:
  RelativePositionMlpImpl(int64_t grid_size, int64_t num_heads, int64_t hidden_dim = 512);
  torch::Tensor forward() override;

  Mlp mlp{nullptr};

 private:
  int64_t grid_size_;
};
TORCH_MODULE(RelativePositionMlp);

}  // namespace braid::nn
