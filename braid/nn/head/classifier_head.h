// The end of a network on feature maps: average pooling, optional norm and hidden layer, dropout,
// classifier; timm's ClassifierHead and NormMlpClassifierHead.
#pragma once

#include "braid/nn/basic/activation.h"
#include "braid/torch.h"

namespace braid::nn {

struct ClassifierHeadConfig {
  int64_t in_features = 0;
  int64_t num_classes = 1000;        // 0: no classifier
  std::optional<double> norm_eps{};  // unset: no layer norm after pooling
  int64_t hidden_size = 0;           // 0: no hidden layer
  Act act = Act::kTanh;              // of the hidden layer
  double drop_rate = 0;
  std::optional<double> init_std = 0.02;  // of the weights; unset: PyTorch's own initialization
};

// Keys: (norm), (pre_logits.fc), (fc).
class ClassifierHeadImpl : public torch::nn::Module {
 public:
  explicit ClassifierHeadImpl(const ClassifierHeadConfig& config);
  // features: [B,D,H,W]; returns [B,num_classes]; pre_logits or no classifier: what enters fc.
  torch::Tensor forward(const torch::Tensor& features, bool pre_logits = false);
  void reset(int64_t num_classes);  // a freshly initialized classifier; 0: none

  torch::nn::LayerNorm norm{nullptr};
  torch::nn::Linear hidden{nullptr}, fc{nullptr};

 private:
  ClassifierHeadConfig config_;
};
TORCH_MODULE(ClassifierHead);

}  // namespace braid::nn
