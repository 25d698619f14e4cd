#include "braid/nn/basic/norm_for_product.h"

#include <ATen/autocast_mode.h>

#include "braid/ops/layer_norm.h"

namespace braid::nn {

torch::Tensor norm_for_product(torch::nn::LayerNorm& norm, const torch::Tensor& x) {
  if (!norm->is_training() || !x.is_cpu()) return norm->forward(x);
  const auto out = at::autocast::is_autocast_enabled(at::kCPU)
                       ? at::autocast::get_autocast_dtype(at::kCPU)
                       : x.scalar_type();
  if (!ops::is_layer_norm_fused(x, norm->weight, norm->bias, out)) return norm->forward(x);
  return ops::layer_norm(x, norm->weight, norm->bias, norm->options.eps(), out);
}

}  // namespace braid::nn
