// Multi-head self-attention with a joint query-key-value projection, timm's Attention.
#pragma once
#include "braid/torch.h"

namespace braid::nn {

struct AttentionConfig {
  int64_t dim = 0;  // channels, a multiple of num_heads
  int64_t num_heads = 8;
  bool qkv_bias = false;
  bool proj_bias = true;
  double attn_drop = 0;  // dropout of the attention weights
  double proj_drop = 0;  // dropout of the output
};

// softmax(Q K^T / sqrt(d)) V per head, then a linear projection. Keys: qkv, proj.
class AttentionImpl : public torch::nn::Module {
 public:
  explicit AttentionImpl(const AttentionConfig& config);
  torch::Tensor forward(const torch::Tensor& x);  // [B,N,D] -> [B,N,D]

  torch::nn::Linear qkv{nullptr}, proj{nullptr};

 private:
  AttentionConfig config_;
};
TORCH_MODULE(Attention);

}  // namespace braid::nn
