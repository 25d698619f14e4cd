#include "braid/nn/basic/pointwise.h"

#include "braid/nn/basic/product.h"
#include "braid/nn/conv/conv.h"

namespace braid::nn {

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
  if (is_training() && x.is_cpu()) return product(x, weight.flatten(1), bias, true);
  if (!fused_) return torch::nn::functional::linear(x, weight, bias);
  auto shape = x.sizes().vec();
  shape.back() = weight.size(0);
  return at::linear(x.reshape({-1, x.size(-1)}), weight.flatten(1), bias).view(shape);
}

}  // namespace braid::nn
