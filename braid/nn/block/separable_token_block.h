// A residual block of one separable convolution over the tokens of a text: what their neighbours
// say becomes part of their vectors.
#pragma once
#include <cstdint>

#include "braid/torch.h"

namespace braid::nn {

struct SeparableTokenBlockConfig {
  int64_t dim = 0;          // channels
  int64_t kernel_size = 5;  // tokens, odd
  double norm_eps = 1e-5;
  double drop = 0;  // of the branch
  double drop_path = 0;
  double init_std = 0.02;  // of the pointwise layer
};

// x + pointwise(gelu(depthwise(norm(x)))). Keys: norm, depthwise, pointwise.
class SeparableTokenBlockImpl : public torch::nn::Module {
 public:
  explicit SeparableTokenBlockImpl(const SeparableTokenBlockConfig& config);
  // x: [B,N,D]; mask: [B,N] bool, true: a token; undefined: all are. Padding is zero to the
  // convolution.
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& mask = {});

 private:
  SeparableTokenBlockConfig config_;
  torch::nn::LayerNorm norm_{nullptr};
  torch::nn::Conv1d depthwise_{nullptr};
  torch::nn::Linear pointwise_{nullptr};
};
TORCH_MODULE(SeparableTokenBlock);

}  // namespace braid::nn
