// Normalization layers with timm's epsilons.
#pragma once
#include "braid/torch.h"

namespace braid::nn {

torch::nn::LayerNorm layer_norm(int64_t dim, double eps = 1e-6);  // over the last dimension
torch::nn::BatchNorm2d batch_norm(int64_t chans, double eps = 1e-5);

// Layer norm over the last dimension without a bias, MetaFormer's. Keys: weight.
class LayerNormNoBiasImpl : public torch::nn::Module {
 public:
  explicit LayerNormNoBiasImpl(int64_t dim, double eps = 1e-6);
  torch::Tensor forward(const torch::Tensor& x);

  torch::Tensor weight;

 private:
  double eps_;
};
TORCH_MODULE(LayerNormNoBias);

// Layer norm over the channels of [B,C,H,W], timm's LayerNorm2d. Keys: weight, bias.
class LayerNorm2dImpl : public torch::nn::Module {
 public:
  explicit LayerNorm2dImpl(int64_t chans, double eps = 1e-6);
  torch::Tensor forward(const torch::Tensor& x);

  torch::Tensor weight, bias;

 private:
  double eps_;
};
TORCH_MODULE(LayerNorm2d);

}  // namespace braid::nn
