// Where a convolution or pooling puts the pixels that it lacks at the border.
#pragma once
#include "braid/torch.h"

namespace braid::nn {

enum class Padding {
  kSymmetric,  // timm's ""
  kSame        // TensorFlow's "same": an odd pixel goes to the bottom and the right
};

// Pads x [B,C,H,W] as TensorFlow does: windows of `kernel` pixels then fit ceil(side / stride)
// times. x itself where nothing is missing.
torch::Tensor pad_same(const torch::Tensor& x, int64_t kernel, int64_t stride, double value = 0);

}  // namespace braid::nn
