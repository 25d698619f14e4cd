// The feed-forward part stored as 1x1 convolutions, timm's ConvMlp.
#pragma once

#include "braid/nn/basic/activation.h"
#include "braid/torch.h"

namespace braid::nn {

struct ConvMlpConfig {
  int64_t in_features = 0;  // channels in and out
  int64_t hidden_features = 0;
  Act act = Act::kRelu;
  double drop = 0;  // dropout of the hidden channels
};

// fc2(dropout(act(fc1(x)))) over the last dimension, so that a channels-last map is not copied.
// Keys: fc1, fc2, 1x1 convolutions with bias.
class ConvMlpImpl : public torch::nn::Module {
 public:
  explicit ConvMlpImpl(const ConvMlpConfig& config);
  torch::Tensor forward(const torch::Tensor& x);  // [...,C] -> [...,C]

  torch::nn::Conv2d fc1{nullptr}, fc2{nullptr};

 private:
  Act act_;
  double drop_;
};
TORCH_MODULE(ConvMlp);

}  // namespace braid::nn
