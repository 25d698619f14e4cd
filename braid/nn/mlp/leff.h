// The locally-enhanced feed-forward part of CeiT: a depthwise convolution between the two linear
// layers.
//
// Paper: Yuan et al., https://arxiv.org/abs/2103.11816
// Reference: https://github.com/coeusguo/ceit (Apache-2.0), LocallyEnhancedFeedForward; same keys
// and shapes. Differences: feature maps as well as tokens, with or without a class token.
#pragma once

#include "braid/nn/basic/activation.h"
#include "braid/torch.h"

namespace braid::nn {

struct LeffConfig {
  int64_t dim = 0;
  int64_t hidden = 0;
  int64_t kernel_size = 3;  // of the depthwise convolution, odd
  bool with_bn = true;      // a batch norm behind each convolution
  Act act = Act::kGelu;
  int64_t prefix_tokens = 1;  // tokens in front that pass unchanged, such as a class token
};

// Keys: conv1, conv2, conv3, (bn1, bn2, bn3).
class LeffImpl : public torch::nn::Module {
 public:
  explicit LeffImpl(const LeffConfig& config);
  // A map [B,D,H,W] -> [B,D,H,W], or tokens of a square grid [B,prefix+s*s,D] -> the same shape.
  torch::Tensor forward(const torch::Tensor& x);
  // Tokens of a grid of `height` rows: [B,prefix+height*w,D] -> the same shape.
  torch::Tensor forward_tokens(const torch::Tensor& tokens, int64_t height);

  torch::nn::Conv2d conv1{nullptr}, conv2{nullptr}, conv3{nullptr};
  torch::nn::BatchNorm2d bn1{nullptr}, bn2{nullptr}, bn3{nullptr};

 private:
  torch::Tensor forward_map(const torch::Tensor& map);
  LeffConfig config_;
};
TORCH_MODULE(Leff);

}  // namespace braid::nn
