// Convolutions of several branches in training and one in inference.
//
// Papers: MobileOne, https://arxiv.org/abs/2206.04040; RepLKNet, https://arxiv.org/abs/2203.06717
// Keys and shapes are those of timm's fastvit.py.
#pragma once

#include <vector>

#include "braid/nn/basic/activation.h"
#include "braid/nn/conv/conv_norm_act.h"
#include "braid/nn/conv/reparameterize.h"
#include "braid/nn/conv/squeeze_excite.h"
#include "braid/torch.h"

namespace braid::models {

struct MobileOneConfig {
  int64_t in_chs = 0;
  int64_t out_chs = 0;
  int64_t kernel_size = 3;  // pixels along one side, odd
  int64_t stride = 1;
  int64_t group_size = 0;        // channels per group, 1: depthwise, 0: one group
  bool inference_mode = false;   // built as the one convolution
  bool use_se = false;           // squeeze-and-excitation before the activation
  bool use_scale_branch = true;  // a 1x1 branch, for kernels above 1x1
  int64_t num_conv_branches = 1;
  nn::Act act = nn::Act::kGelu;
};

// act(se(sum of branches)), each branch with its batch norm; the identity is one where shapes allow
// it. [B,C,H,W] -> [B,C',H/stride,W/stride]. Keys: (se), (identity), (conv_kxk.I), (conv_scale), or
// (se), reparam_conv.
class MobileOneImpl : public nn::BlockImpl, public nn::Reparameterizable {
 public:
  explicit MobileOneImpl(const MobileOneConfig& config);
  torch::Tensor forward(const torch::Tensor& x) override;
  void reparameterize() override;
  nn::FoldedConv folded() const;  // the sum of the branches; only before reparameterize()

 private:
  int64_t groups() const;
  torch::nn::Conv2d single_conv() const;
  MobileOneConfig config_;
  nn::SqueezeExcite se_{nullptr};
  torch::nn::Conv2d reparam_conv_{nullptr};
  torch::nn::BatchNorm2d identity_{nullptr};
  std::vector<nn::ConvNormAct> convs_;
  nn::ConvNormAct scale_{nullptr};
};
TORCH_MODULE(MobileOne);

struct LargeKernelConvConfig {
  int64_t in_chs = 0;
  int64_t out_chs = 0;
  int64_t kernel_size = 7;  // pixels along one side, odd, at least small_kernel
  int64_t small_kernel = 3;
  int64_t stride = 1;
  int64_t group_size = 1;
  bool inference_mode = false;
};

// A large and a small convolution, summed; timm's ReparamLargeKernelConv without squeeze-and-
// excitation and activation. [B,C,H,W] -> [B,C',H/stride,W/stride]. Keys: large_conv, small_conv,
// or reparam_conv.
class LargeKernelConvImpl : public nn::BlockImpl, public nn::Reparameterizable {
 public:
  explicit LargeKernelConvImpl(const LargeKernelConvConfig& config);
  torch::Tensor forward(const torch::Tensor& x) override;
  void reparameterize() override;

 private:
  torch::nn::Conv2d single_conv() const;
  LargeKernelConvConfig config_;
  torch::nn::Conv2d reparam_conv_{nullptr};
  nn::ConvNormAct large_{nullptr}, small_{nullptr};
};
TORCH_MODULE(LargeKernelConv);

}  // namespace braid::models
