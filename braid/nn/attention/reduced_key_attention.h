// Attention whose keys and values come from a smaller map (https://arxiv.org/abs/2102.12122), the
// spatial-reduction attention of timm's pvt_v2.py.
#pragma once
#include "braid/torch.h"

namespace braid::nn {

struct PooledKeyAttentionConfig {
  int64_t dim = 0;  // channels, a multiple of num_heads
  int64_t num_heads = 8;
  int64_t sr_ratio = 1;  // pixels along one side that become one key, 1: every pixel is a key
  bool qkv_bias = true;
  double norm_eps = 1e-5;  // of the norm after the reduction
  double attn_drop = 0;    // dropout of the attention weights
  double proj_drop = 0;    // dropout of the output
};

// The reduction is a convolution with kernel and stride sr_ratio; pixels left over at the bottom
// and the right are no keys, and a map smaller than sr_ratio is padded to one key. Keys: q, kv,
// (sr, norm), proj.
class PooledKeyAttentionImpl : public torch::nn::Module {
 public:
  explicit PooledKeyAttentionImpl(const PooledKeyAttentionConfig& config);
  torch::Tensor forward(const torch::Tensor& x);  // [B,H,W,D] -> [B,H,W,D]

  torch::nn::Linear q{nullptr}, kv{nullptr}, proj{nullptr};
  torch::nn::Conv2d sr{nullptr};
  torch::nn::LayerNorm norm{nullptr};

 private:
  torch::Tensor reduce(const torch::Tensor& x);  // [B,H,W,D] -> [B,H',W',D]
  PooledKeyAttentionConfig config_;
};
TORCH_MODULE(PooledKeyAttention);

}  // namespace braid::nn
