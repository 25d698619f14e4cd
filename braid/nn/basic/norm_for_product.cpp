#include "braid/nn/basic/norm_for_product.h"

#include "braid/ops/layer_norm.h"
#include "braid/runtime/autocast.h"

namespace braid::nn {

namespace {

torch::Tensor norm_in(torch::nn::LayerNorm& norm, const torch::Tensor& x, at::ScalarType out) {
  if (!norm->is_training() || !ops::is_layer_norm_fused(x, norm->weight, norm->bias, out))
    return norm->forward(x);
  return ops::layer_norm(x, norm->weight, norm->bias, norm->options.eps(), out);
}

}  // namespace

torch::Tensor norm_for_product(torch::nn::LayerNorm& norm, const torch::Tensor& x) {
  return norm_in(norm, x, runtime::type_of_products(x));
}

torch::Tensor trained_norm(torch::nn::LayerNorm& norm, const torch::Tensor& x) {
  return norm_in(norm, x, runtime::type_of_norms(x));
}

}  // namespace braid::nn
