// Pooled convolutions: the block of the airbench networks.
//
// Source: Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU",
// https://arxiv.org/abs/2404.00498; reference: ConvGroup of
// https://github.com/KellerJordan/cifar10-airbench (MIT). Same keys and shapes.
// Differences: the gain of the norms is trained, epsilon is PyTorch's; a side of one pixel is not
// pooled.
#pragma once

#include <string>
#include <vector>

#include "braid/nn/basic/block.h"
#include "braid/nn/basic/block_list.h"
#include "braid/torch.h"

namespace braid::nn {

struct ConvGroupConfig {
  int64_t in_chs = 0;
  int64_t out_chs = 0;
  int64_t depth = 2;  // convolutions
};

// 3x3 convolution, 2x2 max pooling, batch norm, GELU; then more convolutions with norm and GELU.
// The convolutions begin as the identity on the channels that they have in common with their input,
// random on the others. [B,C,H,W] -> [B,C',H/2,W/2]. Keys: conv1, norm1, conv2, norm2, ...
class ConvGroupImpl : public BlockImpl {
 public:
  explicit ConvGroupImpl(const ConvGroupConfig& config);
  torch::Tensor forward(const torch::Tensor& x) override;

 private:
  std::vector<torch::nn::Conv2d> convs_;
  std::vector<torch::nn::BatchNorm2d> norms_;
};
TORCH_MODULE(ConvGroup);

struct ConvGroupsConfig {
  int64_t in_chs = 3;
  int64_t stem_chs = 24;
  int64_t stem_stride = 1;                       // 1: a kernel of 2 pixels; more: of 2 * stride - 1
  std::vector<int64_t> widths = {64, 256, 256};  // channels per group
  int64_t depth = 2;                             // convolutions per group
  int64_t reduction() const;                     // input pixels per output pixel along a side
  int64_t grid_size(int64_t img_size) const;     // output pixels along a side
};

// A convolution over a few pixels with GELU, then the groups. [B,C,H,W] -> [B,D,h,w].
// Keys: whiten (the reference's name of the first convolution), layers.1, layers.2, ...
class ConvGroupsImpl : public torch::nn::Module {
 public:
  explicit ConvGroupsImpl(const ConvGroupsConfig& config);
  torch::Tensor forward(const torch::Tensor& x, bool checkpointing = false);
  // Sets the first convolution by images, [N,C,H,W] as forward gets them.
  void whiten(const torch::Tensor& images);

 private:
  torch::nn::Conv2d whiten_{nullptr};
  BlockList layers_;
};
TORCH_MODULE(ConvGroups);

}  // namespace braid::nn
