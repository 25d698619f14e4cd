// Layer norm of what a matrix product or a convolution multiplies next.
#pragma once
#include "braid/torch.h"

namespace braid::nn {

// norm->forward(x) over the last dimension; in training on a CPU by one fused operator
// (ops/layer_norm.h), which under autocast gives the type that products are computed in.
torch::Tensor norm_for_product(torch::nn::LayerNorm& norm, const torch::Tensor& x);

}  // namespace braid::nn
