// 3x3 convolutions of small maps in bfloat16, whose weights' gradient LibTorch computes slowly.
//
// The gradient is nine products of matrices, one for each place of the kernel: channels of x times
// pixels, pixels times channels of dy. Maps lie one after another with a row and a column of zeros
// between them, so that a place of the kernel is an offset, and the products are long enough for
// the matrix units (LibTorch's micro-kernel brgemm). Forward and the gradient of x are LibTorch's.
#pragma once
#include "braid/torch.h"

namespace braid::ops {

// x [B,C,H,W] * weight [O,C,3,3], stride 1, one pixel of padding -> [B,O,H,W].
//
// Fused where is_fused_conv3x3() says so: on a CPU whose matrix units multiply bfloat16, x
// channels-last in bfloat16, weight in float32, maps small enough that it is the faster way; the
// weight's gradient comes in float32. Else LibTorch's convolution, with the weight in x's type. The
// fused gradient has no gradient of its own: asking for one throws.
torch::Tensor conv3x3(const torch::Tensor& x, const torch::Tensor& weight);
bool is_fused_conv3x3(const torch::Tensor& x, const torch::Tensor& weight);
// The same by LibTorch's operators.
torch::Tensor composed_conv3x3(const torch::Tensor& x, const torch::Tensor& weight);

}  // namespace braid::ops
