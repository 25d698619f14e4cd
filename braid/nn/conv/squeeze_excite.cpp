#include "braid/nn/conv/squeeze_excite.h"

#include "braid/nn/conv/conv.h"

namespace braid::nn {

SqueezeExciteImpl::SqueezeExciteImpl(const SqueezeExciteConfig& config)
    : act_(config.act), gate_(config.gate) {
  reduce_ = register_module(config.reduce_key,
                            conv2d(config.chans, config.rd_chans, {.kernel = 1, .bias = true}));
  expand_ = register_module(config.expand_key,
                            conv2d(config.rd_chans, config.chans, {.kernel = 1, .bias = true}));
}

torch::Tensor SqueezeExciteImpl::forward(const torch::Tensor& x) {
  auto gate = activate(pointwise(reduce_, x.mean({2, 3})), act_);  // [B,C] -> [B,rd]
  gate = activate(pointwise(expand_, gate), gate_);                // [B,C]
  return x * gate.unsqueeze(2).unsqueeze(3);
}

}  // namespace braid::nn
