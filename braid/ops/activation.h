// GELU and SiLU on vectors, with their gradients.
#pragma once
#include "braid/ops/kernels/activation_kernels.h"
#include "braid/torch.h"

namespace braid::ops {

// Element by element, in x's layout; x itself for kIdentity.
//
// Fused where is_fused() says so: GELU (by the error function) and SiLU on the CPU, of float32 or
// bfloat16 that lie one after another in any order of the dimensions. Else LibTorch's operators
// compute it. The fused gradient has no gradient of its own: asking for one throws.
torch::Tensor activate(const torch::Tensor& x, Activation activation);
bool is_fused(const torch::Tensor& x, Activation activation);
// The same by LibTorch's operators.
torch::Tensor composed_activate(const torch::Tensor& x, Activation activation);

}  // namespace braid::ops
