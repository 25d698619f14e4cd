// The interface of blocks on feature maps, so that a model can keep a list of different ones.
#pragma once
#include "braid/torch.h"

namespace braid::nn {

class FeatureBlockImpl : public torch::nn::Module {
 public:
  // [B,C,H,W] -> [B,C',H/stride,W/stride], rounded up.
  virtual torch::Tensor forward(const torch::Tensor& x) = 0;
};
TORCH_MODULE(FeatureBlock);

}  // namespace braid::nn
