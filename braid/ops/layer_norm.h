// Layer norm over the last dimension that writes the type that a matrix product reads, so that no
// pass over memory converts it.
//
// Forward reads x and writes y; backward reads x and dy and writes dx, and sums up the parameters'
// gradients on the way: 2 + 3 passes where LibTorch's operators make 2 + 5, and 4 more for
// conversions between float32 and bfloat16. Kept for backward: x and two numbers a row.
#pragma once
#include "braid/torch.h"

namespace braid::ops {

// (x - mean) / sqrt(variance + eps) * weight + bias in the type `out`, float32 or bfloat16:
// x [...,D], weight and bias [D].
//
// Fused where is_fused() says so: on the CPU, contiguous, x float32 or bfloat16 with float32
// parameters. Else LibTorch's operators compute it. The fused gradient has no gradient of its own:
// asking for one throws.
torch::Tensor layer_norm(const torch::Tensor& x, const torch::Tensor& weight,
                         const torch::Tensor& bias, double eps, at::ScalarType out);
bool is_layer_norm_fused(const torch::Tensor& x, const torch::Tensor& weight,
                         const torch::Tensor& bias, at::ScalarType out);
// The same by LibTorch's operators.
torch::Tensor composed_layer_norm(const torch::Tensor& x, const torch::Tensor& weight,
                                  const torch::Tensor& bias, double eps, at::ScalarType out);

}  // namespace braid::ops
