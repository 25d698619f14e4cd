#include "braid/nn/conv/token_conv.h"

namespace braid::nn {
namespace {

using torch::Tensor;

// kernels [B,H,N,K] as matrices [B,H,N,N] that are multiplied with the tokens: padded by N zeros
// and read in rows that are one number shorter, each row lies one further to the right.
Tensor band_matrices(const Tensor& kernels, int64_t left) {
  const int64_t N = kernels.size(2), K = kernels.size(3);
  return torch::constant_pad_nd(kernels, {0, N})
      .flatten(2)
      .narrow(2, 0, N * (N + K - 1))
      .unflatten(2, {N, N + K - 1})
      .narrow(3, left, N);
}

}  // namespace

Tensor zero_padding(const Tensor& x, const Tensor& mask) {
  return mask.defined() ? x.masked_fill(mask.unsqueeze(-1).logical_not(), 0) : x;
}

Tensor token_convolution(const Tensor& x, const Tensor& weight, int64_t left) {
  const int64_t C = x.size(2), K = weight.size(1);
  const auto kernels = weight.repeat_interleave(C / weight.size(0), 0).unsqueeze(1);  // [C,1,K]
  const auto padded = torch::constant_pad_nd(x.transpose(1, 2), {left, K - 1 - left});
  const int64_t one = 1, none = 0;
  return at::conv1d(padded, kernels, {}, one, at::IntArrayRef(none), one, C).transpose(1, 2);
}

Tensor dynamic_convolution(const Tensor& x, const Tensor& kernels, int64_t left,
                           DynamicConvPath path) {
  constexpr int64_t kMostBandTokens = 512;
  const int64_t N = x.size(1), H = kernels.size(2), K = kernels.size(3);
  if (path == DynamicConvPath::kAuto)
    path = N <= kMostBandTokens ? DynamicConvPath::kBand : DynamicConvPath::kUnfold;
  if (path == DynamicConvPath::kBand) {
    const auto heads = x.unflatten(2, {H, -1}).transpose(1, 2);  // [B,H,N,C/H]
    return at::matmul(band_matrices(kernels.transpose(1, 2), left), heads)
        .transpose(1, 2)
        .flatten(2);
  }
  const auto windows = torch::constant_pad_nd(x, {0, 0, left, K - 1 - left})
                           .unfold(1, K, 1)
                           .unflatten(2, {H, -1});  // [B,N,H,C/H,K]
  return at::matmul(windows, kernels.unsqueeze(-1)).squeeze(-1).flatten(2);
}

}  // namespace braid::nn
