// The Transformer's feed-forward part, timm's Mlp and ConvMlp.
#pragma once

#include <optional>

#include "braid/nn/basic/activation.h"
#include "braid/nn/basic/pointwise.h"
#include "braid/torch.h"

namespace braid::nn {

enum class MlpInit {
  kTruncNormal,   // init_linear_, after the draw of kTorch
  kEfficientNet,  // as conv2d() draws 1x1 convolutions
  kTorch          // as PyTorch draws linear layers
};

struct MlpConfig {
  int64_t in_features = 0;
  int64_t hidden_features = 0;
  int64_t out_features = 0;  // 0: as many as in_features
  Act act = Act::kGelu;
  bool bias = true;
  double drop = 0;
  std::optional<double> drop_out{};  // dropout of the output; unset: drop
  WeightLayout layout = WeightLayout::kLinear;
  MlpInit init = MlpInit::kTruncNormal;
  const char* fc1_key = "fc1";
  const char* fc2_key = "fc2";
};

// Product, activation, dropout, product, dropout over the last dimension. Keys: as the config names
// them.
class MlpImpl : public torch::nn::Module {
 public:
  explicit MlpImpl(const MlpConfig& config);
  torch::Tensor forward(const torch::Tensor& x);  // [...,D] -> [...,D']

  Pointwise fc1{nullptr}, fc2{nullptr};

 private:
  torch::Tensor hidden(const torch::Tensor& x);  // after the activation
  Act act_;
  double drop_, drop_out_;
};
TORCH_MODULE(Mlp);

}  // namespace braid::nn
