// The stem of CoAtNet and MaxViT: two convolutions, timm's Stem of maxxvit.py.
#pragma once

#include <vector>

#include "braid/nn/basic/activation.h"
#include "braid/nn/conv/same_padding.h"
#include "braid/torch.h"

namespace braid::models {

struct ConvStemConfig {
  int64_t in_chs = 3;
  std::vector<int64_t> out_chs = {64, 64};  // of the two convolutions
  int64_t stride = 2;                       // of the first one, 1 or 2
  nn::Padding padding = nn::Padding::kSymmetric;
  bool bias = false;
  nn::Act act = nn::Act::kGelu;
  double norm_eps = 1e-5;
};

// 3x3 convolution, batch norm, activation, 3x3 convolution. Keys: conv1, norm1, conv2.
class ConvStemImpl : public torch::nn::Module {
 public:
  explicit ConvStemImpl(const ConvStemConfig& config);
  torch::Tensor forward(const torch::Tensor& x);  // [B,C,H,W] -> [B,C',H/stride,W/stride]

 private:
  ConvStemConfig config_;
  torch::nn::Conv2d conv1_{nullptr}, conv2_{nullptr};
  torch::nn::BatchNorm2d norm1_{nullptr};
};
TORCH_MODULE(ConvStem);

}  // namespace braid::models
