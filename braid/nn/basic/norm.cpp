#include "braid/nn/basic/norm.h"

#include "braid/nn/basic/norm_for_product.h"

namespace braid::nn {

torch::nn::LayerNorm layer_norm(int64_t dim, double eps) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({dim}).eps(eps));
}

torch::nn::BatchNorm2d batch_norm(int64_t chans, double eps) {
  return torch::nn::BatchNorm2d(torch::nn::BatchNorm2dOptions(chans).eps(eps));
}

LayerNormNoBiasImpl::LayerNormNoBiasImpl(int64_t dim, double eps) : eps_(eps) {
  weight = register_parameter("weight", torch::ones({dim}));
}

torch::Tensor LayerNormNoBiasImpl::forward(const torch::Tensor& x) {
  return at::layer_norm(x, weight.sizes(), weight, /*bias=*/{}, eps_);
}

LayerNorm2dImpl::LayerNorm2dImpl(int64_t chans, double eps) : eps_(eps) {
  weight = register_parameter("weight", torch::ones({chans}));
  bias = register_parameter("bias", torch::zeros({chans}));
}

torch::Tensor LayerNorm2dImpl::forward(const torch::Tensor& x) {
  return trained_norm(x.permute({0, 2, 3, 1}), weight, bias, eps_, is_training())
      .permute({0, 3, 1, 2});
}

}  // namespace braid::nn
