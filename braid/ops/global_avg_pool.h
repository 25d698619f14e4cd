// Global average pooling: the mean over all positions of a map or of a row of tokens.
//
// Paper: Lin et al., Network in Network, https://arxiv.org/abs/1312.4400
// On a CPU, LibTorch's mean of a channels-last map in bfloat16 takes ten times its sum's time, and
// its gradient is written out as a map of the other layout, which costs as much again when it is
// added to another one. The sum, divided, has neither fault.
#pragma once
#include "braid/torch.h"

namespace braid::ops {

// [B,D,H,W] or [B,N,D] -> [B,D]; with keepdim [B,D,1,1] or [B,1,D]. Of no position: NaN.
// Differentiable any number of times. In float32 every bit is that of Tensor::mean(), of the
// gradient too.
torch::Tensor global_avg_pool(const torch::Tensor& x, bool keepdim = false);

}  // namespace braid::ops
