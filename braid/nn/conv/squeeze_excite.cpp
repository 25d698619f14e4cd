#include "braid/nn/conv/squeeze_excite.h"

#include "braid/ops/global_avg_pool.h"

namespace braid::nn {

SqueezeExciteImpl::SqueezeExciteImpl(const SqueezeExciteConfig& config)
    : act_(config.act), gate_(config.gate) {
  const auto product = [](int64_t in, int64_t out) {
    return Pointwise(PointwiseConfig{.in_features = in,
                                     .out_features = out,
                                     .layout = WeightLayout::kConv1x1,
                                     .init = PointwiseInit::kEfficientNet});
  };
  reduce_ = register_module(config.reduce_key, product(config.in_chs, config.rd_channels));
  expand_ = register_module(config.expand_key, product(config.rd_channels, config.in_chs));
}

torch::Tensor SqueezeExciteImpl::forward(const torch::Tensor& x) {
  auto gate = activate(reduce_->forward(ops::global_avg_pool(x)), act_);  // [B,C] -> [B,rd]
  gate = activate(expand_->forward(gate), gate_);                         // [B,C]
  return x * gate.unsqueeze(2).unsqueeze(3);
}

}  // namespace braid::nn
