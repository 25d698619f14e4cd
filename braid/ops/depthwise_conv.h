// Convolution of every channel with a kernel of its own, nearer to what memory gives than
// LibTorch's.
//
// Forward reads x and writes y; backward reads dy twice and x, and writes dx. Multiply-accumulates:
// kernel^2 for every number of y forward, for every number of y and of dx backward.
#pragma once
#include "braid/torch.h"

namespace braid::ops {

struct DepthwiseConvOptions {
  int64_t stride = 1;
  int64_t padding = 0;  // zeros on each side
};

// at::conv2d(x, weight, bias, stride, padding, 1, C): x [B,C,H,W], weight [C,1,k,k], bias [C] or
// undefined.
//
// Ours where is_fused() says so: on the CPU, channels-last, x float32 or bfloat16 with float32
// parameters, kernels of 3, 5 or 7 pixels, stride 1 or 2. Else LibTorch's operator computes it. The
// gradient of ours has no gradient of its own: asking for one throws.
torch::Tensor depthwise_conv2d(const torch::Tensor& x, const torch::Tensor& weight,
                               const torch::Tensor& bias, const DepthwiseConvOptions& options);
bool is_fused(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
              const DepthwiseConvOptions& options);
// The same by LibTorch's operator.
torch::Tensor composed_depthwise_conv2d(const torch::Tensor& x, const torch::Tensor& weight,
                                        const torch::Tensor& bias,
                                        const DepthwiseConvOptions& options);

}  // namespace braid::ops
