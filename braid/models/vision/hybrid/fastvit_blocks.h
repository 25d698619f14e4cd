// FastViT's blocks: token mixing by a depthwise convolution or by attention, then a convolutional
// feed-forward part.
//
// Paper: Vasu et al., https://arxiv.org/abs/2303.14189
// Keys and shapes are those of timm's fastvit.py.
#pragma once

#include "braid/models/vision/hybrid/mobile_one.h"
#include "braid/nn/basic/activation.h"
#include "braid/nn/basic/block.h"
#include "braid/nn/basic/layer_scale.h"
#include "braid/nn/basic/pointwise.h"
#include "braid/nn/block/pre_norm_block.h"
#include "braid/nn/conv/reparameterize.h"
#include "braid/torch.h"

namespace braid::models {

struct RepMixerConfig {
  int64_t dim = 0;
  int64_t kernel_size = 3;               // pixels along one side, odd
  double layer_scale_init_value = 1e-5;  // of the learned factor on the mixed part
  bool inference_mode = false;           // built as one convolution
};

// x + scale * (mixer(x) - norm(x)), depthwise: [B,C,H,W] -> [B,C,H,W]. Keys: norm, mixer,
// layer_scale, or reparam_conv.
class RepMixerImpl : public nn::BlockImpl, public nn::Reparameterizable {
 public:
  explicit RepMixerImpl(const RepMixerConfig& config);
  torch::Tensor forward(const torch::Tensor& x) override;
  void reparameterize() override;

 private:
  torch::nn::Conv2d single_conv() const;
  RepMixerConfig config_;
  MobileOne norm_{nullptr}, mixer_{nullptr};
  nn::LayerScale2d layer_scale_{nullptr};
  torch::nn::Conv2d reparam_conv_{nullptr};
};
TORCH_MODULE(RepMixer);

// Depthwise 7x7 convolution with norm, then two 1x1 convolutions: [B,C,H,W] -> [B,C,H,W]. Keys:
// conv, fc1, fc2.
class FastVitMlpImpl : public torch::nn::Module {
 public:
  FastVitMlpImpl(int64_t dim, int64_t hidden, nn::Act act, double drop);
  torch::Tensor forward(const torch::Tensor& x);

  nn::ConvNormAct conv{nullptr};
  nn::Pointwise fc1{nullptr}, fc2{nullptr};

 private:
  nn::Act act_;
  double drop_;
};
TORCH_MODULE(FastVitMlp);

struct FastViTBlockConfig {
  int64_t dim = 0;
  int64_t kernel_size = 3;  // of RepMixer
  int64_t head_dim = 32;    // of attention
  double mlp_ratio = 4.0;
  nn::Act act = nn::Act::kGelu;
  double proj_drop = 0;  // dropout in the feed-forward part
  double drop_path = 0;
  double layer_scale_init_value = 1e-5;
  bool inference_mode = false;  // RepMixer built as one convolution
};

// RepMixer and feed-forward part: [B,C,H,W] -> [B,C,H,W]. Keys: token_mixer, mlp, layer_scale.
class RepMixerBlockImpl : public nn::BlockImpl {
 public:
  explicit RepMixerBlockImpl(const FastViTBlockConfig& config);
  torch::Tensor forward(const torch::Tensor& x) override;

  RepMixer token_mixer{nullptr};
  FastVitMlp mlp{nullptr};
  nn::LayerScale2d layer_scale{nullptr};

 private:
  double drop_path_;
};
TORCH_MODULE(RepMixerBlock);

// Attention behind a batch norm, then the feed-forward part: [B,C,H,W] -> [B,C,H,W]. Keys: norm,
// token_mixer, layer_scale_1, mlp, layer_scale_2.
class FastViTAttentionBlockImpl : public nn::PreNormBlockImpl {
 public:
  explicit FastViTAttentionBlockImpl(const FastViTBlockConfig& config);
};
TORCH_MODULE(FastViTAttentionBlock);

}  // namespace braid::models
