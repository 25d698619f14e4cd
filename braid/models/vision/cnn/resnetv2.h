// The ResNet with group norm and standardized convolutions that goes before the hybrid ViT.
//
// Paper: Kolesnikov et al., "Big Transfer", https://arxiv.org/abs/1912.11370
// Reference: timm's resnetv2.py (Apache-2.0), without pre-activation and with TensorFlow's padding
// ("same"), as vision_transformer_hybrid.py builds it; same keys and shapes. Differences: none.
#pragma once

#include <vector>

#include "braid/models/vision/cnn/std_conv.h"
#include "braid/nn/basic/block_list.h"
#include "braid/torch.h"

namespace braid::models {

struct ResNetV2Config {
  int64_t in_chs = 3;
  std::vector<int64_t> layers = {3, 4, 9};                 // blocks per stage
  std::vector<int64_t> channels = {256, 512, 1024, 2048};  // per stage; at least as many as layers
  int64_t stem_chs = 64;                                   // channels of the stem
};

// 1x1, 3x3 and 1x1 convolution. Keys: (downsample.conv, downsample.norm), conv1, norm1, conv2,
// norm2, conv3, norm3.
class ResNetV2BottleneckImpl : public nn::BlockImpl {
 public:
  // first: of its stage, with a projection as its shortcut.
  ResNetV2BottleneckImpl(int64_t in_chs, int64_t out_chs, int64_t stride, bool first);
  torch::Tensor forward(const torch::Tensor& x) override;  // -> [B,C',H/stride,W/stride]

 private:
  StdConv2dSame downsample_conv_{nullptr}, conv1_{nullptr}, conv2_{nullptr}, conv3_{nullptr};
  torch::nn::GroupNorm downsample_norm_{nullptr}, norm1_{nullptr}, norm2_{nullptr}, norm3_{nullptr};
};
TORCH_MODULE(ResNetV2Bottleneck);

// Keys: stem.conv, stem.norm, stages.I.blocks.J.*.
class ResNetV2Impl : public torch::nn::Module {
 public:
  explicit ResNetV2Impl(const ResNetV2Config& config);
  // [B,C,H,W] -> [B,C',H/r,W/r], every halving rounded up; r: reduction().
  torch::Tensor forward(const torch::Tensor& x, bool checkpointing);
  int64_t reduction() const { return reduction_; }
  int64_t num_features() const { return num_features_; }

 private:
  int64_t reduction_, num_features_;
  StdConv2dSame stem_conv_{nullptr};
  torch::nn::GroupNorm stem_norm_{nullptr};
  std::vector<nn::BlockList> stages_;
};
TORCH_MODULE(ResNetV2);

}  // namespace braid::models
