// GELU behind a bias in one pass, whose backward pass sums up the bias's gradient too.
//
// Forward reads x and writes y; backward reads x and dy and writes dx: 2 + 3 passes where
// LibTorch's operators make 5 + 4. Kept for backward: x, before the bias.
#pragma once
#include "braid/torch.h"

namespace braid::ops {

// gelu(x + bias), by the error function, in x's type: x [...,D], bias [D].
//
// Fused where is_bias_gelu_fused() says so: on the CPU, contiguous, float32 or bfloat16 with a
// float32 bias. Else LibTorch's operators compute it. The fused gradient has no gradient of its
// own: asking for one throws.
torch::Tensor bias_gelu(const torch::Tensor& x, const torch::Tensor& bias);
bool is_bias_gelu_fused(const torch::Tensor& x, const torch::Tensor& bias);
// The same by LibTorch's operators.
torch::Tensor composed_bias_gelu(const torch::Tensor& x, const torch::Tensor& bias);

}  // namespace braid::ops
