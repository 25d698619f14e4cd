// Convolutions as timm builds them, and the 1x1 convolution as a matrix product.
#pragma once

#include "braid/nn/basic/activation.h"
#include "braid/torch.h"

namespace braid::nn {

enum class ConvInit {
  kEfficientNet,  // normal, fan-out without the groups, bias zero (init_conv_efficientnet_)
  kTorch          // what PyTorch's own constructor does
};

struct ConvOptions {
  int64_t kernel = 1;  // pixels along one side
  int64_t stride = 1;
  int64_t groups = 1;
  int64_t dilation = 1;
  bool bias = false;
  std::optional<int64_t> padding = {};  // pixels; unset: timm's "", symmetric: the output has
                                        // ceil(side / stride) pixels for odd kernels
  ConvInit init = ConvInit::kEfficientNet;
};

// [B,in,H,W] -> [B,out,H/stride,W/stride].
torch::nn::Conv2d conv2d(int64_t in, int64_t out, const ConvOptions& options = {});

// Applies a 1x1 convolution without stride and groups over the last dimension, one matrix product:
// [...,C] -> [...,C'].
torch::Tensor pointwise(const torch::nn::Conv2d& conv, const torch::Tensor& x);

// Views of one memory when the tensor is channels-last.
inline torch::Tensor to_nhwc(const torch::Tensor& x) { return x.permute({0, 2, 3, 1}); }
inline torch::Tensor to_nchw(const torch::Tensor& x) { return x.permute({0, 3, 1, 2}); }

// Convolution, batch norm, activation; timm's ConvNormAct. Keys: conv, bn.
class ConvNormActImpl : public torch::nn::Module {
 public:
  ConvNormActImpl(int64_t in, int64_t out, const ConvOptions& options, Act act = Act::kRelu,
                  double norm_eps = 1e-5);
  torch::Tensor forward(const torch::Tensor& x);  // [B,C,H,W] -> [B,C',H/stride,W/stride]

  torch::nn::Conv2d conv{nullptr};
  torch::nn::BatchNorm2d bn{nullptr};

 private:
  Act act_;
};
TORCH_MODULE(ConvNormAct);

}  // namespace braid::nn
