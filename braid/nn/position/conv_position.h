// Conditional positional encoding: a depthwise convolution whose zero padding tells positions,
// timm's PosConv (twins.py, Apache-2.0).
//
// Paper: Chu et al., https://arxiv.org/abs/2102.10882
// Differences: feature maps as well as tokens, and a class token that is left alone.
#pragma once
#include "braid/torch.h"

namespace braid::nn {

struct ConvPositionConfig {
  int64_t dim = 0;
  int64_t stride = 1;         // above 1 the convolution replaces its input; at 1 it is added to it
  int64_t prefix_tokens = 0;  // tokens in front that pass unchanged, such as a class token
};

// Keys: proj.0.
class ConvPositionImpl : public torch::nn::Module {
 public:
  explicit ConvPositionImpl(const ConvPositionConfig& config);
  // A map [B,D,H,W] -> [B,D,H/stride,W/stride], or tokens of a square grid, [B,prefix+N,D] ->
  // [B,prefix+N/stride^2,D].
  torch::Tensor forward(const torch::Tensor& x);
  // Tokens of a grid of `height` rows.
  torch::Tensor forward_tokens(const torch::Tensor& tokens, int64_t height);

  torch::nn::Conv2d conv{nullptr};

 private:
  torch::Tensor forward_map(const torch::Tensor& map);
  ConvPositionConfig config_;
};
TORCH_MODULE(ConvPosition);

}  // namespace braid::nn
