// The product of a few rows with a matrix of 8-bit whole numbers, bound by the reading of the
// matrix: half of bfloat16's bytes, a quarter of float32's.
//
// Weight-only quantization: y = (x W^T) scale + bias, W rounded once, a scale for each of its rows.
// Multiply-accumulates: rows * in * out; bytes: in * out of the matrix.
#pragma once
#include "braid/torch.h"

namespace braid::ops {

struct Int8Matrix {
  torch::Tensor packed;  // int8, from -127 to 127: see Int8Rows in kernels/token_kernels.h
  torch::Tensor scale;   // [out] float32: of a row's largest magnitude / 127
  int64_t in = 0;
  // The largest whole number by which each number of a row can be multiplied for a sum of 32 bits,
  // at most 32,767.
  int64_t most = 0;
};
// weight [out,in] of floating point; to the nearest.
Int8Matrix to_int8(const torch::Tensor& weight);
torch::Tensor bytes_of(const Int8Matrix& matrix);  // [out,in] int8
// What it stands for: [out,in] float32.
torch::Tensor to_float(const Int8Matrix& matrix);

// x [...,in], bias [out] or undefined -> [...,out] of `type`.
//
// Ours where is_int8_linear_fused() says so: on a CPU, at most kMostInt8Rows rows of float32 or
// bfloat16. Rows of x are rounded to whole numbers up to matrix.most, a scale for each row; sums
// of products are exact. A row of x that has an infinite number or one that is none (NaN) gives
// none. Else LibTorch's operator computes it with the matrix in float32. It has no gradient: with
// recorded gradients LibTorch's computes it, too.
torch::Tensor int8_linear(const torch::Tensor& x, const Int8Matrix& matrix,
                          const torch::Tensor& bias, at::ScalarType type);
bool is_int8_linear_fused(const torch::Tensor& x, const Int8Matrix& matrix,
                          const torch::Tensor& bias, at::ScalarType type);
constexpr int64_t kMostInt8Rows = 32;
// The same by LibTorch's operator.
torch::Tensor composed_int8_linear(const torch::Tensor& x, const Int8Matrix& matrix,
                                   const torch::Tensor& bias, at::ScalarType type);

}  // namespace braid::ops
