// The two orders of a feature map's dimensions.
#pragma once
#include "braid/torch.h"

namespace braid::nn {

// Views of one memory when the tensor is channels-last.
inline torch::Tensor to_nhwc(const torch::Tensor& x) { return x.permute({0, 2, 3, 1}); }
inline torch::Tensor to_nchw(const torch::Tensor& x) { return x.permute({0, 3, 1, 2}); }

}  // namespace braid::nn
