#include "braid/nn/conv/whiten.h"

#include <algorithm>

namespace braid::nn {

void whiten_stem_(torch::nn::Conv2d& conv, const torch::Tensor& images) {
  constexpr double kEps = 5e-4;  // keeps directions without variance from being blown up
  const torch::NoGradGuard no_grad;
  const auto& weight = conv->weight;  // [O,C,h,w]
  const std::vector<int64_t> kernel = {weight.size(2), weight.size(3)};
  const auto patches = at::im2col(images.to(torch::kDouble), kernel, /*dilation=*/{1, 1},
                                  /*padding=*/{0, 0}, /*stride=*/{1, 1})
                           .transpose(1, 2)
                           .flatten(0, 1);  // [P,Chw]
  const auto covariance = patches.t().mm(patches) / patches.size(0);
  const auto [variances, directions] = at::linalg_eigh(covariance);  // ascending, in columns
  const int64_t count = std::min(weight.size(0) / 2, directions.size(1));
  const auto strongest =
      (directions / (variances + kEps).sqrt()).t().flip(0).narrow(0, 0, count);  // [K,Chw]
  const auto kernels = strongest.reshape({count, weight.size(1), kernel[0], kernel[1]});
  weight.narrow(0, 0, count).copy_(kernels);
  weight.narrow(0, count, count).copy_(-kernels);
  if (conv->bias.defined()) conv->bias.zero_();
}

}  // namespace braid::nn
