// The residual blocks of ResNet, timm's BasicBlock and Bottleneck.
//
// Paper: He et al., https://arxiv.org/abs/1512.03385
// Reference: timm's resnet.py (Apache-2.0); same keys and shapes.
#pragma once
#include "braid/nn/basic/block.h"

namespace braid::nn {

// What stands in for the identity where the shape changes.
enum class ResNetShortcut {
  kProjection,  // a strided 1x1 convolution with batch norm
  kZeroPadding  // option A of the paper: every stride-th pixel, missing channels zero; no weights
};

struct ResNetBlockConfig {
  int64_t in_chs = 0;
  int64_t width = 0;  // of the 3x3 convolution; a bottleneck's output has four times as many
  int64_t stride = 1;
  bool bottleneck = false;  // 1x1, 3x3, 1x1 with expansion 4; else two 3x3
  ResNetShortcut shortcut = ResNetShortcut::kProjection;
  double drop_path = 0;
  int64_t out_chs() const { return bottleneck ? 4 * width : width; }
};

// Two or three convolutions beside a shortcut. The last norm begins at zero, so that the block
// begins as its shortcut. Keys: conv1, bn1, conv2, bn2, (conv3, bn3), (downsample.0, downsample.1).
class ResNetBlockImpl : public BlockImpl {
 public:
  explicit ResNetBlockImpl(const ResNetBlockConfig& config);
  torch::Tensor forward(const torch::Tensor& x) override;  // -> [B,C',H/stride,W/stride]

 private:
  torch::Tensor shortcut(const torch::Tensor& x);
  ResNetBlockConfig config_;
  torch::nn::Conv2d conv1_{nullptr}, conv2_{nullptr}, conv3_{nullptr};
  torch::nn::BatchNorm2d bn1_{nullptr}, bn2_{nullptr}, bn3_{nullptr};
  torch::nn::Sequential downsample_{nullptr};
};
TORCH_MODULE(ResNetBlock);

}  // namespace braid::nn
