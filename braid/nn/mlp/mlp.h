// The Transformer's feed-forward part, timm's Mlp.
#pragma once

#include "braid/nn/basic/activation.h"
#include "braid/torch.h"

namespace braid::nn {

struct MlpConfig {
  int64_t in_features = 0;
  int64_t hidden_features = 0;
  int64_t out_features = 0;  // 0: as many as in_features
  Act act = Act::kGelu;
  bool bias = true;
  double drop = 0;
  std::optional<double> drop_out{};  // dropout of the output; unset: drop
};

// Linear, activation, dropout, Linear, dropout over the last dimension. Keys: fc1, fc2.
class MlpImpl : public torch::nn::Module {
 public:
  explicit MlpImpl(const MlpConfig& config);
  torch::Tensor forward(const torch::Tensor& x);  // [...,D] -> [...,D']

  torch::nn::Linear fc1{nullptr}, fc2{nullptr};

 private:
  Act act_;
  double drop_, drop_out_;
};
TORCH_MODULE(Mlp);

}  // namespace braid::nn
