#include "braid/nn/mlp/grouped_linear.h"

namespace braid::nn {

GroupedLinearImpl::GroupedLinearImpl(int64_t in_features, int64_t out_features, int64_t groups) {
  weight = register_parameter(
      "weight", 0.02 * torch::randn({groups, in_features / groups, out_features / groups}));
  bias = register_parameter("bias", torch::zeros({out_features}));
}

torch::Tensor GroupedLinearImpl::forward(const torch::Tensor& x) {
  const int64_t G = weight.size(0);
  const auto grouped = x.reshape({-1, G, x.size(-1) / G}).transpose(0, 1);  // [G,M,in/G]
  auto sizes = x.sizes().vec();
  sizes.back() = bias.size(0);
  return at::matmul(grouped, weight).transpose(0, 1).reshape(sizes) + bias;
}

}  // namespace braid::nn
