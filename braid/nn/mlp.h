// The Transformer's feed-forward part, timm's Mlp.
#pragma once
#include <torch/torch.h>

namespace braid::nn {

// Linear, GELU, dropout, Linear, dropout over the last dimension. Keys: fc1, fc2.
class MlpImpl : public torch::nn::Module {
 public:
  MlpImpl(int64_t in_features, int64_t hidden_features, double drop);
  torch::Tensor forward(const torch::Tensor& x);  // [...,D] -> [...,D]

  torch::nn::Linear fc1{nullptr}, fc2{nullptr};

 private:
  double drop_;
};
TORCH_MODULE(Mlp);

}  // namespace braid::nn
