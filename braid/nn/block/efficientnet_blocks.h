// The convolutional blocks of the EfficientNet and MobileNet families.
//
// Papers: https://arxiv.org/abs/1801.04381 (MobileNetV2), https://arxiv.org/abs/1905.02244 (V3),
// https://arxiv.org/abs/2404.10518 (V4), https://arxiv.org/abs/1905.11946 (EfficientNet).
// Reference: timm's _efficientnet_blocks.py (Apache-2.0); same keys and shapes.
#pragma once

#include <optional>

#include "braid/nn/basic/activation.h"
#include "braid/nn/basic/block.h"
#include "braid/nn/basic/layer_scale.h"
#include "braid/nn/conv/conv_norm_act.h"
#include "braid/nn/conv/same_padding.h"
#include "braid/nn/conv/squeeze_excite.h"
#include "braid/torch.h"

namespace braid::nn {

// How the squeezed channels become a whole number.
enum class SqueezeRounding { kNearest, kDivisibleBy8 };

struct MobileSqueezeConfig {
  double ratio = 0;          // squeezed channels per hidden channel of the block, 0: none
  std::optional<Act> act{};  // unset: the block's
  Act gate = Act::kSigmoid;
  SqueezeRounding rounding = SqueezeRounding::kNearest;
};

struct MobileBlockConfig {
  int64_t in_chs = 0;
  int64_t out_chs = 0;
  int64_t kernel_size = 3;
  int64_t stride = 1;
  double exp_ratio = 1;  // hidden channels per input channel, where the block expands
  Act act = Act::kRelu;
  MobileSqueezeConfig se{};  // where the block has it
  Padding padding = Padding::kSymmetric;
  double norm_eps = 1e-5;
  double drop_path = 0;
};

// Blocks without stride that keep the channels add their input.

// Depthwise, then 1x1 without activation; does not expand. Keys: conv_dw, bn1, (se), conv_pw, bn2.
class DepthwiseSeparableConvImpl : public BlockImpl {
 public:
  explicit DepthwiseSeparableConvImpl(const MobileBlockConfig& config);
  torch::Tensor forward(const torch::Tensor& x) override;

 private:
  MobileBlockConfig config_;
  torch::nn::Conv2d conv_dw_{nullptr}, conv_pw_{nullptr};
  torch::nn::BatchNorm2d bn1_{nullptr}, bn2_{nullptr};
  SqueezeExcite se_{nullptr};
};

// MBConv: 1x1 expansion, depthwise, 1x1 without activation. Keys: conv_pw, bn1, conv_dw, bn2, (se),
// conv_pwl, bn3.
class InvertedResidualImpl : public BlockImpl {
 public:
  explicit InvertedResidualImpl(const MobileBlockConfig& config);
  torch::Tensor forward(const torch::Tensor& x) override;

 private:
  MobileBlockConfig config_;
  torch::nn::Conv2d conv_pw_{nullptr}, conv_dw_{nullptr}, conv_pwl_{nullptr};
  torch::nn::BatchNorm2d bn1_{nullptr}, bn2_{nullptr}, bn3_{nullptr};
  SqueezeExcite se_{nullptr};
};

// Fused MBConv: one full convolution expands, then 1x1 without activation. Keys: conv_exp, bn1,
// (se), conv_pwl, bn2.
class EdgeResidualImpl : public BlockImpl {
 public:
  explicit EdgeResidualImpl(const MobileBlockConfig& config);
  torch::Tensor forward(const torch::Tensor& x) override;

 private:
  MobileBlockConfig config_;
  torch::nn::Conv2d conv_exp_{nullptr}, conv_pwl_{nullptr};
  torch::nn::BatchNorm2d bn1_{nullptr}, bn2_{nullptr};
  SqueezeExcite se_{nullptr};
};

struct UniversalInvertedResidualConfig {
  int64_t in_chs = 0;
  int64_t out_chs = 0;
  int64_t dw_kernel_size_start = 0;  // of a depthwise convolution before the expansion, 0: none
  int64_t dw_kernel_size_mid = 3;    // of one after it, 0: none; both 0: a feed-forward part
  int64_t stride = 1;  // of the last depthwise convolution; above 1: one must be there
  double exp_ratio = 1;
  Act act = Act::kRelu;
  std::optional<double> layer_scale_init_value{};  // unset: none
  double drop_path = 0;
};

// MobileNetV4's universal inverted bottleneck. Keys: (dw_start.conv, dw_start.bn), pw_exp.conv,
// pw_exp.bn, (dw_mid.*), pw_proj.*, (layer_scale.gamma). No reference network has the depthwise
// convolution that timm allows after the projection; neither has this block.
class UniversalInvertedResidualImpl : public BlockImpl {
 public:
  explicit UniversalInvertedResidualImpl(const UniversalInvertedResidualConfig& config);
  torch::Tensor forward(const torch::Tensor& x) override;

 private:
  bool skip_;
  double drop_path_;
  ConvNormAct dw_start_{nullptr}, pw_exp_{nullptr}, dw_mid_{nullptr}, pw_proj_{nullptr};
  LayerScale2d layer_scale_{nullptr};
};

TORCH_MODULE(DepthwiseSeparableConv);
TORCH_MODULE(InvertedResidual);
TORCH_MODULE(EdgeResidual);
TORCH_MODULE(UniversalInvertedResidual);

}  // namespace braid::nn
