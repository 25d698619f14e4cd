// Batch norm followed by an activation.
#pragma once
#include "braid/nn/basic/activation.h"

namespace braid::nn {

// activate(norm->forward(x), act), x [B,C,H,W]; by one fused operator in training where there is
// one (ops/batch_norm_act.h).
torch::Tensor norm_act(torch::nn::BatchNorm2d& norm, const torch::Tensor& x, Act act);

}  // namespace braid::nn
