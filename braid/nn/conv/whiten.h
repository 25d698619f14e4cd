// A first convolution that whitens what it sees.
#pragma once
#include <cstdint>

#include "braid/torch.h"

namespace braid::nn {

// Sets the kernels so that their outputs over the images' patches are uncorrelated and of variance
// one: each direction of the patches' covariance, the strongest first, then the same negated, so
// that an activation keeps both halves; kernels left over stay as they are, biases become zero.
// images: [N,C,H,W] as the network gets them. most_numbers: of patches that are in memory at once,
// 8 bytes each; one image's at least.
// Sources: Page, "How to Train Your ResNet",
// https://myrtle.ai/learn/how-to-train-your-resnet-8-bag-of-tricks; Jordan,
// https://arxiv.org/abs/2404.00498. Reference: init_whiten of
// https://github.com/KellerJordan/cifar10-airbench (MIT), which wants room for all directions.
void whiten_stem_(torch::nn::Conv2d& conv, const torch::Tensor& images,
                  int64_t most_numbers = int64_t{1} << 26);

}  // namespace braid::nn
