// Max pooling with windows of 2x2 pixels that touch each other: the gradient is written in one
// pass.
//
// Forward reads x and writes y and a byte for each number of y; backward reads those bytes and dy
// and writes dx, where LibTorch's operator keeps x and eight bytes, and fills dx with zeros first.
#pragma once
#include "braid/torch.h"

namespace braid::ops {

// [B,C,H,W] -> [B,C,H/2,W/2]; a last odd row or column is left out. The numbers and gradients are
// LibTorch's to the bit.
//
// Fused where is_fused_max_pool2x2() says so: on the CPU, channels-last, float32 or bfloat16. Else
// LibTorch's operator computes it. The fused gradient has no gradient of its own: asking for one
// throws.
torch::Tensor max_pool2x2(const torch::Tensor& x);
bool is_fused_max_pool2x2(const torch::Tensor& x);
// The same by LibTorch's operator.
torch::Tensor composed_max_pool2x2(const torch::Tensor& x);

}  // namespace braid::ops
