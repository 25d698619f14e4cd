// A matrix product with a bias in bfloat16 that rounds once and passes over memory once.
//
// LibTorch's writes the bias to every row first and lets the product add to it; in the backward
// pass it sums the bias's gradient up slowly. Multiply-accumulates: in * out for every row forward,
// twice as many backward.
#pragma once
#include "braid/torch.h"

namespace braid::ops {

// x weight^T + bias: x [...,in], weight [out,in], bias [out].
//
// Ours where is_linear_fused() says so: on a CPU that multiplies bfloat16 matrices, x and weight
// bfloat16 with a float32 bias. Else LibTorch's operator computes it. The gradient of ours has no
// gradient of its own: asking for one throws.
torch::Tensor linear(const torch::Tensor& x, const torch::Tensor& weight,
                     const torch::Tensor& bias);
bool is_linear_fused(const torch::Tensor& x, const torch::Tensor& weight,
                     const torch::Tensor& bias);
// The same by LibTorch's operator.
torch::Tensor composed_linear(const torch::Tensor& x, const torch::Tensor& weight,
                              const torch::Tensor& bias);

}  // namespace braid::ops
