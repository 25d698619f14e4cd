#include "braid/nn/basic/product.h"

#include <ATen/autocast_mode.h>

#include "braid/nn/basic/int8_weights.h"
#include "braid/nn/basic/own_operators.h"
#include "braid/ops/bias_gelu.h"
#include "braid/ops/few_rows_linear.h"
#include "braid/ops/int8_linear.h"
#include "braid/ops/linear.h"
#include "braid/runtime/autocast.h"

namespace braid::nn {

torch::Tensor for_products(const torch::Tensor& x) {
  if (!x.is_cpu() || !at::autocast::is_autocast_enabled(at::kCPU)) return x;
  return at::autocast::cached_cast(runtime::type_of_products(x), x, at::kCPU);
}

torch::Tensor shared_by_products(const torch::Tensor& x, bool training) {
  return training || OwnOperators::in_scope() ? for_products(x) : x;
}

torch::Tensor product(const torch::Tensor& x, const torch::Tensor& weight,
                      const torch::Tensor& bias, bool training) {
  const bool own = training || OwnOperators::in_scope();
  if (!own || !x.is_cpu()) return at::linear(x, weight, bias);
  const auto factor = for_products(x);
  if (const auto* matrix = training ? nullptr : Int8Scope::matrix_of(weight);
      matrix != nullptr && ops::is_int8_linear_fused(factor, *matrix, bias, factor.scalar_type()))
    return ops::int8_linear(factor, *matrix, bias, factor.scalar_type());
  const auto other = for_products(weight);
  if (!training && ops::is_few_rows(factor, other, bias, factor.scalar_type()))
    return ops::few_rows_linear(factor, other, bias, factor.scalar_type());
  return ops::is_linear_fused(factor, other, bias) ? ops::linear(factor, other, bias)
                                                   : at::linear(factor, other, bias);
}

torch::Tensor product(torch::nn::Linear& layer, const torch::Tensor& x) {
  return product(x, layer->weight, layer->bias, layer->is_training());
}

torch::Tensor activated_product(const torch::Tensor& x, const torch::Tensor& weight,
                                const torch::Tensor& bias, Act act, bool training) {
  if (!training || !x.is_cpu() || act != Act::kGelu || !bias.defined() ||
      bias.scalar_type() != torch::kFloat)
    return activate(product(x, weight, bias, training), act);
  return ops::bias_gelu(at::linear(x, weight), bias);
}

}  // namespace braid::nn
