// Attention whose keys and values come from fewer tokens, and PVT's way of making them fewer
// (https://arxiv.org/abs/2102.12122).
#pragma once

#include "braid/nn/attention/core.h"
#include "braid/torch.h"

namespace braid::nn {

struct ReducedKeyAttentionConfig {
  int64_t dim = 0;  // channels, a multiple of num_heads
  int64_t num_heads = 8;
  bool joint_kv = true;  // keys and values by one projection; else by two
  bool qkv_bias = true;
  double attn_drop = 0;  // dropout of the attention weights
  double proj_drop = 0;  // dropout of the output
};

// What one call knows besides the tokens. There is no causal mask: a key is made of several tokens,
// of which some come later.
struct ReducedKeyAttentionArgs {
  torch::Tensor bias = {};         // added to the products, broadcast to [B,h,N,M] for M keys
  torch::Tensor key_padding = {};  // [B,N] or [B,H,W] bool, true: a token, false: padding, which is
                                   // zero to the reduction; a key of padding alone is none
};

// Every token asks, the tokens of reduce() answer. Keys: q, kv or k and v, proj.
class ReducedKeyAttentionImpl : public torch::nn::Module {
 public:
  explicit ReducedKeyAttentionImpl(const ReducedKeyAttentionConfig& config);
  // Tokens [B,N,D] or a channels-last map of them [B,H,W,D] -> the same shape.
  torch::Tensor forward(const torch::Tensor& x, const ReducedKeyAttentionArgs& args = {});

  torch::nn::Linear q{nullptr}, kv{nullptr}, k{nullptr}, v{nullptr}, proj{nullptr};

 protected:
  // What keys and values are made of: x -> [B,...,D].
  virtual torch::Tensor reduce(const torch::Tensor& x) = 0;
  // Which of those keys have a token in them: [B,N] or [B,H,W] of 0 and 1 -> the same of keys.
  virtual torch::Tensor reduce_mask(const torch::Tensor& tokens) = 0;

 private:
  ReducedKeyAttentionConfig config_;
};

struct SpatialReductionAttentionConfig {
  ReducedKeyAttentionConfig attention;
  int64_t sr_ratio = 1;    // pixels along one side that become one key, 1: every pixel is a key
  double norm_eps = 1e-5;  // of the norm after the reduction
};

// PVT's, for maps [B,H,W,D], the attention of timm's pvt_v2.py: the reduction is a convolution with
// kernel and stride sr_ratio; pixels left over at the bottom and the right are no keys, and a map
// smaller than sr_ratio is padded to one key. Keys: (sr, norm).
class SpatialReductionAttentionImpl : public ReducedKeyAttentionImpl {
 public:
  explicit SpatialReductionAttentionImpl(const SpatialReductionAttentionConfig& config);

  torch::nn::Conv2d sr{nullptr};
  torch::nn::LayerNorm norm{nullptr};

 protected:
  torch::Tensor reduce(const torch::Tensor& x) override;  // [B,H,W,D] -> [B,H',W',D]
  torch::Tensor reduce_mask(const torch::Tensor& tokens) override;

 private:
  torch::Tensor at_least_one_key(const torch::Tensor& map) const;  // [B,C,H,W], padded where small
  int64_t sr_ratio_;
};
TORCH_MODULE(SpatialReductionAttention);

}  // namespace braid::nn
