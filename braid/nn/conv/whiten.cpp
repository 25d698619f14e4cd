#include "braid/nn/conv/whiten.h"

#include <algorithm>

namespace braid::nn {

void whiten_stem_(torch::nn::Conv2d& conv, const torch::Tensor& images, int64_t most_numbers) {
  constexpr double kEps = 5e-4;  // keeps directions without variance from being blown up
  const torch::NoGradGuard no_grad;
  const auto& weight = conv->weight;  // [O,C,h,w]
  const std::vector<int64_t> kernel = {weight.size(2), weight.size(3)};
  const int64_t length = weight[0].numel();  // of a patch: Chw
  const int64_t places = (images.size(2) - kernel[0] + 1) * (images.size(3) - kernel[1] + 1);
  // The patches of a few thousand photos fill many GB: their products are summed block by block.
  const int64_t block =
      std::clamp<int64_t>(most_numbers / (length * places), 1, images.size(0));  // images
  const auto room = torch::empty({block * places, length}, torch::kDouble);
  auto covariance = torch::zeros({length, length}, torch::kDouble);
  for (const auto& some : images.split(block)) {
    const auto patches = room.narrow(0, 0, some.size(0) * places);  // [P,Chw]
    for (int64_t i = 0; i < some.size(0); ++i)
      patches.narrow(0, i * places, places)
          .copy_(at::im2col(some[i].to(torch::kDouble), kernel, /*dilation=*/{1, 1},
                            /*padding=*/{0, 0}, /*stride=*/{1, 1})
                     .t());
    covariance += patches.t().mm(patches);
  }
  covariance /= images.size(0) * places;
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
