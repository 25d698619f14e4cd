// Squeeze-and-excitation (https://arxiv.org/abs/1709.01507), timm's SEModule and SqueezeExcite.
#pragma once

#include "braid/nn/basic/activation.h"
#include "braid/nn/basic/pointwise.h"
#include "braid/torch.h"

namespace braid::nn {

struct SqueezeExciteConfig {
  int64_t in_chs = 0;
  int64_t rd_channels = 0;  // channels of the squeezed part
  Act act = Act::kRelu;
  Act gate = Act::kSigmoid;
  const char* reduce_key = "fc1";  // "conv_reduce" in the EfficientNet family
  const char* expand_key = "fc2";  // "conv_expand"
};

// x * gate(expand(act(reduce(mean(x))))), [B,C,H,W] -> [B,C,H,W]. Keys: as the config names them.
class SqueezeExciteImpl : public torch::nn::Module {
 public:
  explicit SqueezeExciteImpl(const SqueezeExciteConfig& config);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  Act act_, gate_;
  Pointwise reduce_{nullptr}, expand_{nullptr};
};
TORCH_MODULE(SqueezeExcite);

}  // namespace braid::nn
