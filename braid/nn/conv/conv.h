// Convolutions as timm builds them.
#pragma once

#include <optional>

#include "braid/torch.h"

namespace braid::nn {

enum class ConvInit {
  kEfficientNet,  // normal, fan-out without the groups, bias zero (init_conv_efficientnet_)
  kTruncNormal,   // init_conv_trunc_normal_, after the draw of kEfficientNet
  kFanOut,        // init_fan_out_, after the draw of kEfficientNet
  kTorch          // what PyTorch's own constructor does
};

struct ConvOptions {
  int64_t kernel_size = 1;  // pixels along one side
  int64_t stride = 1;
  int64_t groups = 1;
  int64_t dilation = 1;
  bool bias = false;
  std::optional<int64_t> padding = {};  // pixels; unset: timm's "", symmetric: the output has
                                        // ceil(side / stride) pixels for odd kernels
  ConvInit init = ConvInit::kEfficientNet;
  int64_t padding_pixels() const;  // what `padding` comes to
};

// [B,in,H,W] -> [B,out,H/stride,W/stride].
torch::nn::Conv2d conv2d(int64_t in_chs, int64_t out_chs, const ConvOptions& options = {});

// Views of one memory when the tensor is channels-last.
inline torch::Tensor to_nhwc(const torch::Tensor& x) { return x.permute({0, 2, 3, 1}); }
inline torch::Tensor to_nchw(const torch::Tensor& x) { return x.permute({0, 3, 1, 2}); }

}  // namespace braid::nn
