// Weight initialization as timm does it.
#pragma once

#include <functional>

#include "braid/torch.h"

namespace braid::nn {

// Normal(0, std) cut at [-2, 2] (absolute bounds, as torch.nn.init.trunc_normal_ has them).
void trunc_normal_(const torch::Tensor& tensor, double std);
// Normal(0, 1) cut at [-2, 2], then scaled by std, as timm's trunc_normal_tf_ has it.
void trunc_normal_tf_(const torch::Tensor& tensor, double std);
// Weight by trunc_normal_(0.02), bias zero.
void init_linear_(torch::nn::Linear& linear, double std = 0.02);
// The same for a convolution.
void init_conv_trunc_normal_(torch::nn::Conv2d& conv, double std = 0.02);
// He et al.'s normal with fan-out, for the weights of convolutions before ReLU.
void init_fan_out_(torch::Tensor weight);
// EfficientNet's: normal, deviation sqrt(2 / (k k out / groups)); bias zero.
void init_conv_efficientnet_(torch::nn::Conv2d& conv);

}  // namespace braid::nn
