// Products with a matrix and a bias, as a CPU computes them best.
#pragma once
#include "braid/nn/basic/activation.h"
#include "braid/torch.h"

namespace braid::nn {

// x weight^T + bias: x [...,in], weight [out,in], bias [out] or undefined. In training on a CPU
// under autocast one operator (ops/linear.h): PyTorch's layer adds a bias in place, which goes
// through float32 in memory. In evaluation with nn::OwnOperators likewise, and of few rows in any
// type by ops/few_rows_linear.h, or by ops/int8_linear.h where an nn::Int8Scope has the weight.
// Else at::linear.
torch::Tensor product(const torch::Tensor& x, const torch::Tensor& weight,
                      const torch::Tensor& bias, bool training);
// layer->forward(x), that way.
torch::Tensor product(torch::nn::Linear& layer, const torch::Tensor& x);

// x in the type in which autocast has a CPU multiply.
torch::Tensor for_products(const torch::Tensor& x);
// What several products of x share: in training, and in evaluation with nn::OwnOperators, their one
// conversion.
torch::Tensor shared_by_products(const torch::Tensor& x, bool training);

// act(x weight^T + bias); in training on a CPU GELU and the bias are one operator
// (ops/bias_gelu.h).
torch::Tensor activated_product(const torch::Tensor& x, const torch::Tensor& weight,
                                const torch::Tensor& bias, Act act, bool training);

}  // namespace braid::nn
