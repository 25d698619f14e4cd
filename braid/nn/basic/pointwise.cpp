#include "braid/nn/basic/pointwise.h"

namespace braid::nn {

PointwiseImpl::PointwiseImpl(const PointwiseConfig& config) {
  std::vector<int64_t> shape = {config.out, config.in};
  if (config.layout == WeightLayout::kConv1x1) shape.insert(shape.end(), {1, 1});
  weight = register_parameter("weight", torch::empty(shape));
  torch::nn::init::xavier_uniform_(weight);
  if (config.bias) bias = register_parameter("bias", torch::zeros({config.out}));
}

torch::Tensor PointwiseImpl::forward(const torch::Tensor& x) {
  auto shape = x.sizes().vec();
  shape.back() = weight.size(0);
  return at::linear(x.reshape({-1, x.size(-1)}), weight.flatten(1), bias).view(shape);
}

}  // namespace braid::nn
