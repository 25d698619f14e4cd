#include "braid/nn/basic/pointwise.h"

#include <ATen/autocast_mode.h>

#include "braid/nn/conv/conv.h"
#include "braid/ops/linear.h"

namespace braid::nn {
namespace {

// PyTorch's layer adds a bias in place, which under autocast goes through float32 in memory.
torch::Tensor trained_product(const torch::Tensor& x, const torch::Tensor& matrix,
                              const torch::Tensor& bias) {
  if (!at::autocast::is_autocast_enabled(at::kCPU)) return at::linear(x, matrix, bias);
  const auto cast = [](const torch::Tensor& t) {
    return at::autocast::cached_cast(at::autocast::get_autocast_dtype(at::kCPU), t, at::kCPU);
  };
  const auto factor = cast(x), other = cast(matrix);
  return ops::is_linear_fused(factor, other, bias) ? ops::linear(factor, other, bias)
                                                   : at::linear(factor, other, bias);
}

}  // namespace

PointwiseImpl::PointwiseImpl(const PointwiseConfig& config)
    : fused_(config.fused || config.layout == WeightLayout::kConv1x1) {
  const int64_t in = config.in_features, out = config.out_features;
  if (config.init == PointwiseInit::kXavier) {
    weight = torch::empty({out, in, 1, 1});
    torch::nn::init::xavier_uniform_(weight);
    if (config.bias) bias = torch::zeros({out});
  } else {
    const auto init =
        config.init == PointwiseInit::kTorch ? ConvInit::kTorch : ConvInit::kEfficientNet;
    const auto conv = conv2d(in, out, {.bias = config.bias, .init = init});
    weight = conv->weight.detach();
    if (config.bias) bias = conv->bias.detach();
  }
  if (config.layout == WeightLayout::kLinear) weight = weight.flatten(1).clone();
  weight = register_parameter("weight", weight);
  if (config.bias) bias = register_parameter("bias", bias);
}

torch::Tensor PointwiseImpl::forward(const torch::Tensor& x) {
  if (is_training() && x.is_cpu()) return trained_product(x, weight.flatten(1), bias);
  if (!fused_) return torch::nn::functional::linear(x, weight, bias);
  auto shape = x.sizes().vec();
  shape.back() = weight.size(0);
  return at::linear(x.reshape({-1, x.size(-1)}), weight.flatten(1), bias).view(shape);
}

}  // namespace braid::nn
