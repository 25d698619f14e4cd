// The feed-forward part with a depthwise convolution inside, which tells pixels of their
// neighbours.
//
// Papers: PVT v2, https://arxiv.org/abs/2106.13797; CeiT, https://arxiv.org/abs/2103.11816
// References: timm's MlpWithDepthwiseConv (pvt_v2.py, Apache-2.0); LocallyEnhancedFeedForward of
// https://github.com/coeusguo/ceit (Apache-2.0); same keys and shapes.
#pragma once

#include "braid/nn/basic/activation.h"
#include "braid/nn/basic/pointwise.h"
#include "braid/torch.h"

namespace braid::nn {

enum class ConvFfnForm {
  kPvt,  // product, depthwise convolution, activation, product
  kLeff  // CeiT's: a batch norm behind each of the three, an activation behind the first two
};

struct ConvFfnConfig {
  int64_t in_features = 0;
  int64_t hidden_features = 0;
  ConvFfnForm form = ConvFfnForm::kPvt;
  int64_t kernel_size = 3;  // of the depthwise convolution, pixels along one side, odd
  Act act = Act::kGelu;
  double drop = 0;  // before the last product and behind everything
};

// Keys: fc1, dwconv, fc2; of kLeff conv1, conv2, conv3, bn1, bn2, bn3.
class ConvFfnImpl : public torch::nn::Module {
 public:
  explicit ConvFfnImpl(const ConvFfnConfig& config);
  torch::Tensor forward(const torch::Tensor& x);  // [B,H,W,D] -> [B,H,W,D]

 private:
  Act act_;
  double drop_;
  Pointwise fc1_{nullptr}, fc2_{nullptr};
  torch::nn::Conv2d dwconv_{nullptr};
  torch::nn::BatchNorm2d norm1_{nullptr}, norm2_{nullptr}, norm3_{nullptr};  // of kLeff
};
TORCH_MODULE(ConvFfn);

}  // namespace braid::nn
