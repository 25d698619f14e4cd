// 3x3 convolutions in training, forward and both gradients, by Winograd's minimal filtering: a
// quarter of the multiplications, in float32 (ops/kernels/winograd_kernels.h).
#pragma once
#include "braid/torch.h"

namespace braid::ops {

// x [B,C,H,W] * weight [O,C,3,3], stride 1, one pixel of padding -> [B,O,H,W], x's type.
//
// x is channels-last on the CPU, in float32 or bfloat16; the weight and its gradient are float32.
// Sums and products are float32: of float32 maps the result is LibTorch's to some 5e-6 of the
// largest number. It has no second derivative: asking for one throws.
torch::Tensor winograd_conv3x3(const torch::Tensor& x, const torch::Tensor& weight);
// Whether x and weight are such, and of a size at which it is the faster way; and whether its
// gradient of the weight is.
bool suits_winograd(const torch::Tensor& x, const torch::Tensor& weight);
bool suits_winograd_weight_gradient(const torch::Tensor& x, const torch::Tensor& weight);

// Of the weight: [O,C,3,3]. dy [B,O,H,W] is of x's type and channels-last, too.
torch::Tensor winograd_weight_gradient(const torch::Tensor& dy, const torch::Tensor& x);

}  // namespace braid::ops
