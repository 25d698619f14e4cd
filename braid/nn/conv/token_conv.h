// Convolutions along the tokens of a text, each channel by itself.
//
// Papers: Wu et al., https://arxiv.org/abs/1901.10430 (lightweight and dynamic convolution)
#pragma once
#include <cstdint>

#include "braid/torch.h"

namespace braid::nn {

// Padded positions become zeros, so that they are to a convolution what lies beyond the text. mask:
// [B,N] bool, true: a token; undefined: x [B,N,C] itself.
torch::Tensor zero_padding(const torch::Tensor& x, const torch::Tensor& mask);

// x: [B,N,C]; weight: [H,K], one kernel for each C / H channels that follow each other. y[i] = sum
// over k of weight[k] x[i + k - left]: `left` of the K tokens lie before a window's own, beyond the
// text are zeros. [B,N,C].
torch::Tensor token_convolution(const torch::Tensor& x, const torch::Tensor& weight, int64_t left);

enum class DynamicConvPath {
  kAuto,
  kBand,   // the product with a band matrix [N,N] per row and head
  kUnfold  // the products of the windows themselves, whose memory grows with N only
};
// The same with a kernel of its own for each token: kernels [B,N,H,K].
torch::Tensor dynamic_convolution(const torch::Tensor& x, const torch::Tensor& kernels,
                                  int64_t left, DynamicConvPath path = DynamicConvPath::kAuto);

}  // namespace braid::nn
