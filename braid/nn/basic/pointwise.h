// A product over the channels, stored either way that timm stores it.
#pragma once
#include "braid/torch.h"

namespace braid::nn {

enum class WeightLayout {
  kLinear,  // [out,in]
  kConv1x1  // [out,in,1,1]
};

struct PointwiseConfig {
  int64_t in = 0;
  int64_t out = 0;
  WeightLayout layout = WeightLayout::kLinear;
  bool bias = true;
};

// Keys: weight, (bias). Weights are Xavier uniform, biases zero.
class PointwiseImpl : public torch::nn::Module {
 public:
  explicit PointwiseImpl(const PointwiseConfig& config);
  torch::Tensor forward(const torch::Tensor& x);  // [...,C] -> [...,C']

  torch::Tensor weight, bias;
};
TORCH_MODULE(Pointwise);

}  // namespace braid::nn
