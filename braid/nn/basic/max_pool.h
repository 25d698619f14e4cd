// Max pooling by two.
#pragma once
#include "braid/torch.h"

namespace braid::nn {

// [B,C,H,W] -> [B,C,H/2,W/2] by the largest of each 2x2 pixels; a last odd row or column is left
// out, a side of one pixel stays. Where gradients are recorded, by one fused operator where there
// is one (ops/max_pool2d.h); LibTorch's operator else, and so always in what capture observes.
torch::Tensor max_halve(const torch::Tensor& x);

}  // namespace braid::nn
