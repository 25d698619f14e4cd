// The product of a few rows with a matrix, bound by the reading of the matrix: what a decoder
// computes that writes word by word.
//
// LibTorch's products are made for many rows; of four they read the matrix at less than half of
// what memory gives. Multiply-accumulates: rows * in * out; bytes: in * out numbers of the matrix.
#pragma once
#include "braid/torch.h"

namespace braid::ops {

// x weight^T + bias: x [...,in], weight [out,in], bias [out] or undefined -> [...,out] of `type`.
// x is rounded to the weight's type first; sums are float32's.
//
// Ours where is_few_rows() says so: on a CPU, at most most_few_rows() rows of float32 or bfloat16,
// a matrix of either. Else LibTorch's operator computes it. It has no gradient: with recorded
// gradients LibTorch's operator computes it, too.
torch::Tensor few_rows_linear(const torch::Tensor& x, const torch::Tensor& weight,
                              const torch::Tensor& bias, at::ScalarType type);
bool is_few_rows(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                 at::ScalarType type);
// Of a matrix of this type; beyond them LibTorch's product is about as fast or faster
// (bench_decoding).
constexpr int64_t most_few_rows(at::ScalarType type) { return type == at::kBFloat16 ? 8 : 32; }
// The same by LibTorch's operator.
torch::Tensor composed_few_rows_linear(const torch::Tensor& x, const torch::Tensor& weight,
                                       const torch::Tensor& bias, at::ScalarType type);

}  // namespace braid::ops
