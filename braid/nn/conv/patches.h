// Convolutions whose kernels lie side by side, as one product of matrices.
#pragma once
#include "braid/torch.h"

namespace braid::nn {

// Whether patch_product() is what a training on the CPU in bfloat16 should compute: the kernel is
// the stride, without padding, groups or dilation, and there are few enough patches that copying
// them costs less than LibTorch's convolution loses (its weight gradient of three large kernels a
// row reaches a tenth of a product's speed; docs/benchmarks.md).
bool suits_patch_product(const torch::nn::Conv2dImpl& layer, const torch::Tensor& x);

// layer->forward(x): [B,C,H,W] -> [B,D,H/k,W/k] in channels-last memory; what is left of a row or
// column is not seen.
torch::Tensor patch_product(torch::nn::Conv2d& layer, const torch::Tensor& x);

}  // namespace braid::nn
