// A product over the channels, stored either way that timm stores it.
#pragma once
#include "braid/torch.h"

namespace braid::nn {

enum class WeightLayout {
  kLinear,  // [out,in]
  kConv1x1  // [out,in,1,1]
};

enum class PointwiseInit {
  kXavier,        // uniform, bias zero
  kEfficientNet,  // as conv2d() draws a 1x1 convolution
  kTorch          // what the constructor of PyTorch's linear layer does
};

struct PointwiseConfig {
  int64_t in_features = 0;
  int64_t out_features = 0;
  WeightLayout layout = WeightLayout::kLinear;
  bool bias = true;
  PointwiseInit init = PointwiseInit::kXavier;
  // Of kLinear: bias and product in one operator over the flattened rows, as kConv1x1 always has
  // it; otherwise the operators of PyTorch's linear layer. The same but for the last bit.
  bool fused = false;
};

// A map whose channels are last is not copied for it. Keys: weight, (bias).
class PointwiseImpl : public torch::nn::Module {
 public:
  explicit PointwiseImpl(const PointwiseConfig& config);
  torch::Tensor forward(const torch::Tensor& x);  // [...,C] -> [...,C']

  torch::Tensor weight, bias;

 private:
  bool fused_;
};
TORCH_MODULE(Pointwise);

}  // namespace braid::nn
