// A learned factor per channel on a residual branch (https://arxiv.org/abs/2103.17239), timm's
// LayerScale and LayerScale2d. Keys: gamma.
#pragma once
#include "braid/torch.h"

namespace braid::nn {

class LayerScaleImpl : public torch::nn::Module {  // channels in the last dimension
 public:
  LayerScaleImpl(int64_t dim, double init_values);
  torch::Tensor forward(const torch::Tensor& x) { return x * gamma; }

  torch::Tensor gamma;
};
TORCH_MODULE(LayerScale);

enum class GammaShape { kVector, kMap };  // [C] or [C,1,1], as the reference stores it

class LayerScale2dImpl : public torch::nn::Module {  // [B,C,H,W]
 public:
  LayerScale2dImpl(int64_t dim, double init_values, GammaShape shape = GammaShape::kVector);
  torch::Tensor forward(const torch::Tensor& x) { return x * gamma.view({1, -1, 1, 1}); }

  torch::Tensor gamma;
};
TORCH_MODULE(LayerScale2d);

}  // namespace braid::nn
