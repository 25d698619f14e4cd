#include "braid/nn/basic/max_pool.h"

#include <algorithm>

#include "braid/ops/max_pool2d.h"

namespace braid::nn {

torch::Tensor max_halve(const torch::Tensor& x) {
  if (x.requires_grad() && at::GradMode::is_enabled() && ops::is_fused_max_pool2x2(x))
    return ops::max_pool2x2(x);
  return at::max_pool2d(x, {std::min<int64_t>(2, x.size(2)), std::min<int64_t>(2, x.size(3))});
}

}  // namespace braid::nn
