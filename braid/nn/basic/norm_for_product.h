// Layer norm of what a matrix product or a convolution multiplies next.
#pragma once
#include "braid/torch.h"

namespace braid::nn {

// norm->forward(x) over the last dimension; in training on a CPU by one fused operator
// (ops/layer_norm.h), which under autocast gives the type that products are computed in.
torch::Tensor norm_for_product(torch::nn::LayerNorm& norm, const torch::Tensor& x);

// norm->forward(x) of what is a residual too: in training on a CPU by that operator, in the type
// that LibTorch's gives: float32 under autocast, else x's.
torch::Tensor trained_norm(torch::nn::LayerNorm& norm, const torch::Tensor& x);
// The same of parameters [D], which may be undefined, where x is [..,D].
torch::Tensor trained_norm(const torch::Tensor& x, const torch::Tensor& weight,
                           const torch::Tensor& bias, double eps, bool is_training);

}  // namespace braid::nn
