// Next-ViT's blocks: the convolution block (NCB) with grouped convolutions in the place of
// attention, and the Transformer block (NTB) that joins attention with them.
//
// Paper: Li et al., https://arxiv.org/abs/2207.05501
// Keys and shapes are those of timm's nextvit.py.
#pragma once

#include "braid/nn/attention/reduced_key_attention.h"
#include "braid/nn/basic/activation.h"
#include "braid/nn/block/pre_norm_block.h"
#include "braid/nn/conv/conv_norm_act.h"
#include "braid/nn/mlp/mlp.h"
#include "braid/torch.h"

namespace braid::models {

// Multi-head convolutional attention: a 3x3 convolution in groups of head_dim channels, norm,
// activation, projection. [B,C,H,W] -> [B,C,H,W]. Keys: group_conv3x3, norm, projection.
class ConvAttentionImpl : public torch::nn::Module {
 public:
  ConvAttentionImpl(int64_t chans, int64_t head_dim, nn::Act act);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  nn::Act act_;
  torch::nn::Conv2d group_conv3x3_{nullptr}, projection_{nullptr};
  torch::nn::BatchNorm2d norm_{nullptr};
};
TORCH_MODULE(ConvAttention);

// Next-ViT's E-MHSA, timm's EfficientAttention of nextvit.py: runs of sr_ratio^2 tokens are
// averaged to one key; 1: none. Tokens that fill no whole run are no keys; fewer tokens than one
// run become a single key. [B,N,D] -> [B,N,D]. Keys: q, k, v, proj, (norm).
class EfficientSelfAttentionImpl : public nn::ReducedKeyAttentionImpl {
 public:
  EfficientSelfAttentionImpl(const nn::ReducedKeyAttentionConfig& config, int64_t sr_ratio);

 protected:
  torch::Tensor reduce(const torch::Tensor& x) override;
  torch::Tensor reduce_mask(const torch::Tensor& tokens) override;

 private:
  int64_t run(int64_t tokens) const;  // that makes a key
  int64_t sr_ratio_;
  torch::nn::BatchNorm1d norm_{nullptr};
};
TORCH_MODULE(EfficientSelfAttention);

struct NextBlockConfig {
  int64_t in_chs = 0;
  int64_t out_chs = 0;
  int64_t stride = 1;  // 1 or 2
  int64_t head_dim = 32;
  int64_t sr_ratio = 1;           // Transformer block: see EfficientSelfAttention
  double mix_block_ratio = 0.75;  // Transformer block: part of the channels made by attention
  double attn_drop = 0;
  double proj_drop = 0;  // dropout of attention's output and of the feed-forward part
  double drop_path = 0;
  nn::Act act = nn::Act::kRelu;
  // The Transformer block's channels from attention, a multiple of 32; the rest is convolutional.
  int64_t attention_chs() const;
};

// [B,C,H,W] -> [B,C',H/stride,W/stride], odd sizes rounded up. Keys: (patch_embed.conv,
// patch_embed.norm), mhca, norm, mlp.
class NextConvBlockImpl : public nn::PreNormBlockImpl {
 public:
  explicit NextConvBlockImpl(const NextBlockConfig& config);
  torch::Tensor forward(const torch::Tensor& x) override;

 private:
  int64_t stride_;
  nn::ConvNormAct patch_embed_{nullptr};
};
TORCH_MODULE(NextConvBlock);

// The same. Keys: (patch_embed), norm1, e_mhsa, (projection), mhca, norm2, mlp.
class NextTransformerBlockImpl : public nn::BlockImpl {
 public:
  explicit NextTransformerBlockImpl(const NextBlockConfig& config);
  torch::Tensor forward(const torch::Tensor& x) override;

 private:
  int64_t stride_;
  double drop_path_, mix_block_ratio_;
  nn::ConvNormAct patch_embed_{nullptr}, projection_{nullptr};
  torch::nn::BatchNorm2d norm1_{nullptr}, norm2_{nullptr};
  EfficientSelfAttention e_mhsa_{nullptr};
  ConvAttention mhca_{nullptr};
  nn::Mlp mlp_{nullptr};
};
TORCH_MODULE(NextTransformerBlock);

}  // namespace braid::models
