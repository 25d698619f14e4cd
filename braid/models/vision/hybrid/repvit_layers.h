// RepViT's layers that fold into one: a depthwise convolution of three branches, and batch norm
// before a linear layer.
//
// Reference: timm's RepVggDw and NormLinear (repvit.py, Apache-2.0, after
// https://github.com/jameslahm/RepViT); same keys and shapes, in the training form and in the
// folded one.
#pragma once
#include "braid/nn/conv/conv_norm_act.h"

namespace braid::models {

struct RepVggDwConfig {
  int64_t in_chs = 0;           // and out
  int64_t kernel_size = 3;      // pixels along one side, odd
  bool legacy = false;          // a norm per branch; else none in the 1x1 branch, one after the sum
  bool inference_mode = false;  // built as the one convolution
};

// The sum of a depthwise convolution, a depthwise 1x1 and the identity: [B,C,H,W] -> [B,C,H,W].
// Keys: conv, conv1, (bn), or weight, bias.
class RepVggDwImpl : public nn::FoldableConvImpl {
 public:
  explicit RepVggDwImpl(const RepVggDwConfig& config);
  torch::Tensor forward(const torch::Tensor& x) override;
  void reparameterize() override;

 private:
  nn::FoldedConv folded() const;
  RepVggDwConfig config_;
  nn::ConvNormAct conv_{nullptr}, legacy_conv1_{nullptr};
  torch::nn::Conv2d conv1_{nullptr};
  torch::nn::BatchNorm2d bn_{nullptr};
};
TORCH_MODULE(RepVggDw);

// [B,D] -> [B,K]. Keys: bn, l.
class NormLinearImpl : public torch::nn::Module {
 public:
  NormLinearImpl(int64_t in_features, int64_t out_features);
  torch::Tensor forward(const torch::Tensor& x) { return linear_->forward(norm_->forward(x)); }
  torch::nn::Linear folded() const;  // one layer, the same function in eval mode

 private:
  torch::nn::BatchNorm1d norm_{nullptr};
  torch::nn::Linear linear_{nullptr};
};
TORCH_MODULE(NormLinear);

}  // namespace braid::models
