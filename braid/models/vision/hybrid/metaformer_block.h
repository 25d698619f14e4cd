// MetaFormer's block with the mixers of ConvFormer and CAFormer (https://arxiv.org/abs/2210.13452),
// timm's MetaFormerBlock.
#pragma once
#include <optional>

#include "braid/nn/basic/norm.h"
#include "braid/nn/basic/pointwise.h"
#include "braid/nn/block/pre_norm_block.h"

namespace braid::models {

enum class TokenMixer {
  kSepConv,   // 1x1, depthwise 7x7, 1x1 convolution
  kAttention  // over all positions
};

struct MetaFormerBlockConfig {
  int64_t dim = 0;  // channels, a multiple of head_dim for kAttention
  TokenMixer token_mixer = TokenMixer::kSepConv;
  int64_t head_dim = 32;
  std::optional<double> res_scale{};  // initial factor per channel of the shortcuts; unset: none
  double proj_drop = 0;
  double drop_path = 0;
};

// scale * relu(x)^2 + bias with one learned scale and bias. Keys: scale, bias.
class StarReluImpl : public torch::nn::Module {
 public:
  StarReluImpl();
  torch::Tensor forward(const torch::Tensor& x);

  torch::Tensor scale, bias;
};
TORCH_MODULE(StarRelu);

// The inverted separable convolution of MobileNetV2 with 7x7 windows. Keys: pwconv1, act1, dwconv,
// pwconv2.
class SepConvImpl : public torch::nn::Module {
 public:
  explicit SepConvImpl(int64_t dim);
  torch::Tensor forward(const torch::Tensor& x);  // [B,H,W,C] -> [B,H,W,C]

 private:
  nn::Pointwise pwconv1_{nullptr}, pwconv2_{nullptr};
  StarRelu act1_{nullptr};
  torch::nn::Conv2d dwconv_{nullptr};
};
TORCH_MODULE(SepConv);

// Keys: fc1, act, fc2, without biases.
class StarReluMlpImpl : public torch::nn::Module {
 public:
  StarReluMlpImpl(const MetaFormerBlockConfig& config, int64_t hidden);
  torch::Tensor forward(const torch::Tensor& x);  // [...,C] -> [...,C]

 private:
  double drop_;
  nn::Pointwise fc1_{nullptr}, fc2_{nullptr};
  StarRelu act_{nullptr};
};
TORCH_MODULE(StarReluMlp);

// A learned factor per channel, for a shortcut. Keys: scale.
class ResScaleImpl : public torch::nn::Module {
 public:
  ResScaleImpl(int64_t dim, double init_value);
  torch::Tensor forward(const torch::Tensor& x) { return x * scale; }  // [...,C] -> [...,C]

  torch::Tensor scale;
};
TORCH_MODULE(ResScale);

// [B,C,H,W] -> [B,C,H,W]. Keys: norm1, token_mixer, (res_scale1), norm2, mlp, (res_scale2); the
// mlp's weights are 1x1 convolutions beside kSepConv.
class MetaFormerBlockImpl : public nn::PreNormBlockImpl {
 public:
  explicit MetaFormerBlockImpl(const MetaFormerBlockConfig& config);
};
TORCH_MODULE(MetaFormerBlock);

}  // namespace braid::models
