#include "braid/nn/init.h"

#include <cmath>

namespace braid::nn {

void trunc_normal_(torch::Tensor tensor, double std) {
  torch::NoGradGuard no_grad;
  constexpr double kBound = 2.0;
  // By the inverse of the normal's distribution function, so that one draw per element suffices.
  const double low = std::erf(-kBound / std / std::sqrt(2.0));
  tensor.uniform_(low, -low).erfinv_().mul_(std * std::sqrt(2.0)).clamp_(-kBound, kBound);
}

void init_linear_(torch::nn::Linear& linear, double std) {
  trunc_normal_(linear->weight, std);
  if (linear->bias.defined()) torch::nn::init::zeros_(linear->bias);
}

void init_conv_fan_out_(torch::nn::Conv2d& conv) {
  torch::nn::init::kaiming_normal_(conv->weight, 0.0, torch::kFanOut, torch::kReLU);
}

}  // namespace braid::nn
