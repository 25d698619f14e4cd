// Convolutions as timm builds them.
#pragma once

#include <optional>

#include "braid/nn/basic/layout.h"
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

// Whether a convolution that autocast would compute in bfloat16 stays in float32: on a CPU those
// with one group per channel and a stride take several times as long in bfloat16 once a backward
// pass comes (168 ms against 22 on two cores with AMX).
struct ConvSituation {
  bool cpu_bf16 = false;  // autocast to bfloat16, on a CPU
  bool gradient = false;  // a backward pass may come
  int64_t in_chs = 0, groups = 1, stride = 1;
};
bool stays_float32(const ConvSituation& situation);
// layer->forward(x) with that rule, or in training by ops/depthwise_conv.h, ops/conv3x3.h or
// patches.h where that is faster; of autocast's type.
torch::Tensor convolve(torch::nn::Conv2d& layer, const torch::Tensor& x);

}  // namespace braid::nn
