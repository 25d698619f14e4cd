#include "braid/nn/basic/norm_for_product.h"

#include "braid/ops/layer_norm.h"
#include "braid/runtime/autocast.h"

namespace braid::nn {

namespace {

torch::Tensor norm_in(const torch::Tensor& x, const torch::Tensor& weight,
                      const torch::Tensor& bias, double eps, bool is_training, at::ScalarType out) {
  if (!is_training || !ops::is_layer_norm_fused(x, weight, bias, out))
    return at::layer_norm(x, {x.size(-1)}, weight, bias, eps);
  return ops::layer_norm(x, weight, bias, eps, out);
}

torch::Tensor norm_in(torch::nn::LayerNorm& norm, const torch::Tensor& x, at::ScalarType out) {
  return norm_in(x, norm->weight, norm->bias, norm->options.eps(), norm->is_training(), out);
}

}  // namespace

torch::Tensor norm_for_product(torch::nn::LayerNorm& norm, const torch::Tensor& x) {
  return norm_in(norm, x, runtime::type_of_products(x));
}

torch::Tensor trained_norm(torch::nn::LayerNorm& norm, const torch::Tensor& x) {
  return norm_in(norm, x, runtime::type_of_norms(x));
}

torch::Tensor trained_norm(const torch::Tensor& x, const torch::Tensor& weight,
                           const torch::Tensor& bias, double eps, bool is_training) {
  return norm_in(x, weight, bias, eps, is_training, runtime::type_of_norms(x));
}

}  // namespace braid::nn
