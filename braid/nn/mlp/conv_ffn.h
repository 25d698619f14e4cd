// The feed-forward part with a depthwise convolution inside, which tells pixels of their neighbours
// (https://arxiv.org/abs/2106.13797), timm's MlpWithDepthwiseConv.
#pragma once

#include "braid/nn/basic/activation.h"
#include "braid/torch.h"

namespace braid::nn {

struct ConvFfnConfig {
  int64_t in_features = 0;
  int64_t hidden_features = 0;
  int64_t out_features = 0;  // 0: as many as in_features
  int64_t kernel = 3;        // of the depthwise convolution, pixels along one side, odd
  Act act = Act::kGelu;
  double drop = 0;
};

// Linear, depthwise convolution, activation, dropout, Linear, dropout. Keys: fc1, dwconv, fc2.
class ConvFfnImpl : public torch::nn::Module {
 public:
  explicit ConvFfnImpl(const ConvFfnConfig& config);
  torch::Tensor forward(const torch::Tensor& x);  // [B,H,W,D] -> [B,H,W,D']

  torch::nn::Linear fc1{nullptr}, fc2{nullptr};
  torch::nn::Conv2d dwconv{nullptr};

 private:
  Act act_;
  double drop_;
};
TORCH_MODULE(ConvFfn);

}  // namespace braid::nn
