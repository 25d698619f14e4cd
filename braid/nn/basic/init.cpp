#include "braid/nn/basic/init.h"

#include <cmath>

namespace braid::nn {

void trunc_normal_(const torch::Tensor& tensor, double std) {
  torch::NoGradGuard no_grad;
  constexpr double kBound = 2.0;
  // By the inverse of the normal's distribution function, so that one draw per element suffices.
  const double low = std::erf(-kBound / std / std::sqrt(2.0));
  tensor.uniform_(low, -low).erfinv_().mul_(std * std::sqrt(2.0)).clamp_(-kBound, kBound);
}

void trunc_normal_tf_(const torch::Tensor& tensor, double std) {
  torch::NoGradGuard no_grad;
  trunc_normal_(tensor, 1.0);
  tensor.mul_(std);
}

void init_linear_(torch::nn::Linear& linear, double std) {
  trunc_normal_(linear->weight, std);
  if (linear->bias.defined()) torch::nn::init::zeros_(linear->bias);
}

void init_conv_trunc_normal_(torch::nn::Conv2d& conv, double std) {
  trunc_normal_(conv->weight, std);
  if (conv->bias.defined()) torch::nn::init::zeros_(conv->bias);
}

void init_fan_out_(torch::Tensor weight) {
  torch::nn::init::kaiming_normal_(std::move(weight), 0.0, torch::kFanOut, torch::kReLU);
}

void init_conv_efficientnet_(torch::nn::Conv2d& conv) {
  const auto& w = conv->weight;  // [out,in/groups,k,k]
  const auto fan_out = static_cast<double>(w.size(0) * w.size(2) * w.size(3)) /
                       static_cast<double>(conv->options.groups());
  torch::nn::init::normal_(w, 0.0, std::sqrt(2.0 / fan_out));
  if (conv->bias.defined()) torch::nn::init::zeros_(conv->bias);
}

}  // namespace braid::nn
