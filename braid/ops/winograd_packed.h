// 3x3 convolutions of constant weights, for inference, by Winograd's minimal filtering
// (ops/kernels/winograd_kernels.h), with the sum and the ReLU that follow them.
#pragma once
#include "braid/torch.h"

namespace braid::ops {

// Of a float32 [O,C,3,3]: for this processor's kernels, four times as many numbers. What takes them
// is the operator
//   braid::winograd_conv3x3_packed(Tensor X, Tensor packed, Tensor? bias, Tensor? other,
//                                  int out_chs, bool relu) -> Tensor
// of X [B,C,H,W] and other [B,O,H,W] in float32 on the CPU, stride 1, one pixel of padding: it
// gives X * weight + bias + other, where relu of which what is negative is zero, channels-last.
// Without gradients.
torch::Tensor pack_winograd_filters(const torch::Tensor& weight);
// Whether that is the faster way for each image of that size.
bool suits_packed_winograd(int64_t in_chs, int64_t out_chs, int64_t height, int64_t width);

}  // namespace braid::ops
