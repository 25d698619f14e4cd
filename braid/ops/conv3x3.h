// 3x3 convolutions in training, in whichever way is fastest.
//
// On processors with matrix units for bfloat16, small maps of that type have a gradient of the
// weights of our own, which LibTorch computes slowly: nine products of matrices, one for each place
// of the kernel: channels of x times pixels, pixels times channels of dy. Maps lie one after
// another with a row and a column of zeros between them, so that a place of the kernel is an
// offset, and the products are long enough for the matrix units (LibTorch's micro-kernel brgemm).
// Forward and the gradient of x are LibTorch's then. In float32, and where there are no such units,
// ops/winograd_conv.h has a quarter of the multiplications: for all three, or on bfloat16 maps of
// which much would be computed in vain for the weights' gradient alone.
#pragma once
#include "braid/torch.h"

namespace braid::ops {

// x [B,C,H,W] * weight [O,C,3,3], stride 1, one pixel of padding -> [B,O,H,W].
//
// Fused where is_fused_conv3x3() says so: on a CPU, x channels-last in float32 or bfloat16, weight
// in float32, of a size at which it is the faster way; the weight's gradient comes in float32. Else
// LibTorch's convolution, with the weight in x's type. What is fused has a first derivative alone:
// asking for a second throws.
torch::Tensor conv3x3(const torch::Tensor& x, const torch::Tensor& weight);
bool is_fused_conv3x3(const torch::Tensor& x, const torch::Tensor& weight);
// The same by LibTorch's operators.
torch::Tensor composed_conv3x3(const torch::Tensor& x, const torch::Tensor& weight);

}  // namespace braid::ops
