// EdgeNeXt's split depthwise transpose attention encoder (SDTA), whose attention is among channels
// and so linear in the number of pixels.
//
// Papers: Maaz et al., https://arxiv.org/abs/2206.10589; cross-covariance attention: El-Nouby et
// al., https://arxiv.org/abs/2106.09681
// Keys and shapes are those of timm's edgenext.py.
#pragma once

#include <vector>

#include "braid/nn/basic/block.h"
#include "braid/nn/mlp/mlp.h"
#include "braid/torch.h"

namespace braid::models {

struct FourierPositionConfig {
  int64_t dim = 0;
  int64_t hidden_dim = 32;  // sines and cosines per axis, even
  double temperature = 10000;
};

// Sines and cosines of a pixel's row and column, relative to the map's height and width, projected
// to channels; timm's PositionalEncodingFourier. Keys: token_projection.
class FourierPositionImpl : public torch::nn::Module {
 public:
  explicit FourierPositionImpl(const FourierPositionConfig& config);
  torch::Tensor forward(int64_t height, int64_t width);  // [1,height,width,dim]

  nn::Pointwise token_projection{nullptr};

 private:
  torch::Tensor waves(int64_t extent) const;  // [extent,hidden_dim], float32
  FourierPositionConfig config_;
};
TORCH_MODULE(FourierPosition);

struct CrossCovarianceAttentionConfig {
  int64_t dim = 0;  // channels, a multiple of num_heads
  int64_t num_heads = 8;
  bool qkv_bias = false;
  double attn_drop = 0;  // dropout of the attention weights
  double proj_drop = 0;  // dropout of the output
};

// Attention in which a head's channels attend to each other over all tokens: softmax(t Q K^T) V
// with queries and keys [d,N] normalized along the tokens. Keys: temperature [h,1,1], qkv, proj.
class CrossCovarianceAttentionImpl : public torch::nn::Module {
 public:
  explicit CrossCovarianceAttentionImpl(const CrossCovarianceAttentionConfig& config);
  torch::Tensor forward(const torch::Tensor& x);  // [B,N,D] -> [B,N,D]

  torch::Tensor temperature;
  torch::nn::Linear qkv{nullptr}, proj{nullptr};

 private:
  CrossCovarianceAttentionConfig config_;
};
TORCH_MODULE(CrossCovarianceAttention);

struct SdtaBlockConfig {
  int64_t dim = 0;
  int64_t num_scales = 2;  // parts that the channels are split into, at least 2
  int64_t num_heads = 8;
  bool use_pos_emb = false;  // adds a FourierPosition
  double expand_ratio = 4;
  double ls_init_value = 1e-6;  // initial factor on the branches
  double drop_path = 0;
};

// Depthwise convolutions in a cascade over parts of the channels, cross-covariance attention,
// feed-forward part: [B,C,H,W] -> [B,C,H,W]. Keys: gamma_xca, gamma, convs.I, (pos_embd), norm_xca,
// xca, norm, mlp.
class SdtaBlockImpl : public nn::BlockImpl {
 public:
  explicit SdtaBlockImpl(const SdtaBlockConfig& config);
  torch::Tensor forward(const torch::Tensor& x) override;

  torch::Tensor gamma_xca, gamma;
  torch::nn::ModuleList convs;
  FourierPosition pos_embd{nullptr};
  torch::nn::LayerNorm norm_xca{nullptr}, norm{nullptr};
  CrossCovarianceAttention xca{nullptr};
  nn::Mlp mlp{nullptr};

 private:
  torch::Tensor mix_scales(const torch::Tensor& x);  // [B,C,H,W] -> [B,C,H,W]
  std::vector<torch::nn::Conv2d> convs_;
  double drop_path_;
};
TORCH_MODULE(SdtaBlock);

}  // namespace braid::models
