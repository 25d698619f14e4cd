// The feed-forward part on a map, of convolutions with batch norm: wide in the middle, where a
// depthwise convolution may look at the neighbours. Timm's ConvMlpWithNorm (efficientformer_v2.py)
// and RepVitMlp (Apache-2.0).
#pragma once

#include "braid/nn/conv/conv_norm_act.h"

namespace braid::nn {

struct ConvNormMlpConfig {
  int64_t dim = 0;
  int64_t hidden = 0;
  bool depthwise = false;  // a depthwise 3x3 convolution between the two 1x1 convolutions
  bool bias = false;       // of the convolutions
  Act act = Act::kGelu;    // behind all convolutions but the last
  double norm_weight = 1;  // where the gain of the last norm starts
  double drop = 0;         // before the last convolution and behind it
  bool foldable = false;   // see ConvNormActConfig
  bool inference_mode = false;
  const char* fc1_key = "fc1";
  const char* fc2_key = "fc2";
  const char* conv_key = "conv";
};

// [B,C,H,W] -> [B,C,H,W]. Keys: fc1, (mid), fc2, each with conv and bn, as the config names them.
class ConvNormMlpImpl : public torch::nn::Module {
 public:
  explicit ConvNormMlpImpl(const ConvNormMlpConfig& config);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  double drop_;
  ConvNormAct fc1_{nullptr}, mid_{nullptr}, fc2_{nullptr};
};
TORCH_MODULE(ConvNormMlp);

}  // namespace braid::nn
