#include "braid/nn/basic/dropout.h"

#include "braid/ops/dropout.h"

namespace braid::nn {

torch::Tensor dropout(const torch::Tensor& x, double rate, bool training) {
  if (rate == 0 || !training) return x;
  return ops::can_drop(x) ? ops::dropout(x, ops::draw_drop_rule(rate)) : at::dropout(x, rate, true);
}

torch::Tensor dropout_add(const torch::Tensor& x, const torch::Tensor& residual, double rate,
                          bool training) {
  const bool of_its_type =
      c10::promoteTypes(x.scalar_type(), residual.scalar_type()) == residual.scalar_type();
  if (rate == 0 || !training || !of_its_type || !ops::can_drop(x, residual))
    return residual + nn::dropout(x, rate, training);
  return ops::dropout(x, ops::draw_drop_rule(rate), residual);
}

}  // namespace braid::nn
