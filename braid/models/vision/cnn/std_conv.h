// Convolution with standardized weights (https://arxiv.org/abs/1903.10520) and TensorFlow's
// padding.
#pragma once
#include "braid/nn/conv/same_padding.h"

namespace braid::models {

struct StdConvOptions {
  int64_t kernel_size = 1;  // pixels along one side
  int64_t stride = 1;
  double eps = 1e-8;  // added to the variance of a filter
};

// timm's StdConv2dSame: each filter has mean 0 and variance 1 when it is applied; no bias.
// [B,C,H,W] -> [B,C',H/stride,W/stride], rounded up. Keys: weight.
class StdConv2dSameImpl : public torch::nn::Module {
 public:
  StdConv2dSameImpl(int64_t in_chs, int64_t out_chs, const StdConvOptions& options);
  torch::Tensor forward(const torch::Tensor& x);

  torch::Tensor weight;  // [out,in,k,k]

 private:
  StdConvOptions options_;
};
TORCH_MODULE(StdConv2dSame);

}  // namespace braid::models
