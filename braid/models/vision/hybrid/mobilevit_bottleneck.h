// The bottleneck of timm's "bring your own blocks" networks: a 1x1, a kxk and a 1x1 convolution,
// narrow or (MobileNetV2's inverted residual) wide in the middle.
//
// Reference: timm's BottleneckBlock (byobnet.py, Apache-2.0); same keys and shapes.
#pragma once

#include "braid/nn/basic/activation.h"
#include "braid/nn/conv/conv.h"
#include "braid/torch.h"

namespace braid::nn {

// The shortcut where channels or resolution change; elsewhere it is the identity.
enum class BottleneckShortcut {
  kNone,     // timm's downsample ""
  kConv1x1,  // timm's "conv1x1": a 1x1 convolution with batch norm
};

struct BottleneckBlockConfig {
  int64_t in_chs = 0;
  int64_t out_chs = 0;
  int64_t kernel_size = 3;
  int64_t stride = 1;
  double bottle_ratio = 1.0;  // channels in the middle per channel
  bool bottle_in = false;     // bottle_ratio counts in_chs, not out_chs
  int64_t group_size = 0;     // channels per group of the kxk convolution: 1 depthwise, 0 one group
  BottleneckShortcut downsample = BottleneckShortcut::kNone;
  Act act = Act::kRelu;
  bool linear_out = false;  // no activation after the sum
  double drop_path = 0;
};

// [B,C,H,W] -> [B,C',H/stride,W/stride]. The last norm of a block with a shortcut starts at zero.
// Keys: (shortcut), conv1_1x1, conv2_kxk, conv3_1x1, each with conv and bn.
class BottleneckBlockImpl : public torch::nn::Module {
 public:
  explicit BottleneckBlockImpl(const BottleneckBlockConfig& config);
  torch::Tensor forward(const torch::Tensor& x);

  ConvNormAct shortcut{nullptr}, conv1_1x1{nullptr}, conv2_kxk{nullptr}, conv3_1x1{nullptr};

 private:
  bool identity_;
  Act out_act_;
  double drop_path_;
};
TORCH_MODULE(BottleneckBlock);

}  // namespace braid::nn
