// The inverted residual of MobileViT: timm's BottleneckBlock with a linear output.
//
// Reference: timm's BottleneckBlock (byobnet.py, Apache-2.0); same keys and shapes. Differences: of
// its forms only MobileNetV2's, depthwise and without a projected shortcut.
#pragma once
#include "braid/nn/conv/conv_norm_act.h"

namespace braid::models {

struct BottleneckBlockConfig {
  int64_t in_chs = 0;
  int64_t out_chs = 0;
  int64_t stride = 1;
  double bottle_ratio = 1.0;  // channels in the middle per channel of the input
  nn::Act act = nn::Act::kRelu;
  double drop_path = 0;
};

// A 1x1, a depthwise 3x3 and a 1x1 convolution, and a shortcut where the shape stays; the last norm
// of a block with a shortcut starts at zero. [B,C,H,W] -> [B,C',H/stride,W/stride]. Keys:
// conv1_1x1, conv2_kxk, conv3_1x1, each with conv and bn.
class BottleneckBlockImpl : public nn::BlockImpl {
 public:
  explicit BottleneckBlockImpl(const BottleneckBlockConfig& config);
  torch::Tensor forward(const torch::Tensor& x) override;

 private:
  bool identity_;
  double drop_path_;
  nn::ConvNormAct conv1_1x1_{nullptr}, conv2_kxk_{nullptr}, conv3_1x1_{nullptr};
};
TORCH_MODULE(BottleneckBlock);

}  // namespace braid::models
