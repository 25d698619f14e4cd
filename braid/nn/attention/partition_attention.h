// Self-attention inside windows or grids of a feature map (https://arxiv.org/abs/2204.01697).
#pragma once
#include "braid/nn/attention/self_attention.h"

namespace braid::nn {

enum class Partition {
  kWindow,  // size x size neighbours attend to each other
  kGrid     // size x size positions spread over the whole map do
};

// Maps that `size` does not divide are padded with zeros. The positions of `config` are those
// inside a window or grid: their grid_size is set here. Keys: SelfAttention's.
class PartitionAttentionImpl : public SelfAttentionImpl {
 public:
  // size: positions along one side of a window or grid.
  PartitionAttentionImpl(SelfAttentionConfig config, Partition partition, int64_t size);
  // [B,H,W,C] -> [B,H,W,C]; bias: what is added to the products per window of an image, as
  // SelfAttentionArgs has it.
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& bias = {});

 private:
  Partition partition_;
  int64_t size_;
};
TORCH_MODULE(PartitionAttention);

}  // namespace braid::nn
