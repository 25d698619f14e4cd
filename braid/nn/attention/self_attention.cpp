#include "braid/nn/attention/self_attention.h"

#include "braid/nn/basic/dropout.h"
#include "braid/nn/basic/init.h"
#include "braid/nn/position/make_position_bias.h"
#include "braid/nn/position/rotary.h"

namespace braid::nn {

using torch::Tensor;

namespace {

SelfAttentionConfig with_defaults(SelfAttentionConfig config) {
  if (config.dim_out == 0) config.dim_out = config.dim;
  if (config.key_dim == 0) config.key_dim = config.dim / config.num_heads;
  if (config.value_dim == 0) config.value_dim = config.key_dim;
  return config;
}

}  // namespace

SelfAttentionImpl::SelfAttentionImpl(const SelfAttentionConfig& config)
    : config_(with_defaults(config)) {
  const auto& c = config_;
  const int64_t values = c.num_heads * c.value_dim;
  // Drawn in the references' order: parameters of one's own before the projections, a module's
  // between them.
  if (c.position.key == nullptr) make_position();
  qkv = register_module("qkv",
                        make_projection(c.dim, 2 * c.num_heads * c.key_dim + values, c.qkv_bias));
  if (c.position.key != nullptr) make_position();
  proj = register_module("proj", make_projection(values, c.dim_out, c.proj_bias));
  if (c.init == ProjectionInit::kXavier) return;
  for (const auto& layer : {qkv, proj}) {
    trunc_normal_(layer->weight, 0.02);
    if (layer->bias.defined()) torch::nn::init::zeros_(layer->bias);
  }
}

Pointwise SelfAttentionImpl::make_projection(int64_t in, int64_t out, bool bias) const {
  return Pointwise(PointwiseConfig{.in_features = in,
                                   .out_features = out,
                                   .layout = config_.layout,
                                   .bias = bias,
                                   .init = config_.init == ProjectionInit::kXavier
                                               ? PointwiseInit::kXavier
                                               : PointwiseInit::kTorch,
                                   .fused = config_.init == ProjectionInit::kXavier});
}

void SelfAttentionImpl::make_position() {
  position_ = make_position_bias(config_.position, config_.num_heads);
  if (!position_) return;
  if (config_.position.key != nullptr) {
    register_module(config_.position.key, position_);
    return;
  }
  // The same tensors, without a module's name before theirs.
  for (const auto& item : position_->named_parameters())
    register_parameter(item.key(), item.value());
  for (const auto& item : position_->named_buffers()) register_buffer(item.key(), item.value());
}

Tensor SelfAttentionImpl::bias(int64_t batch, const Tensor& of_call) {
  auto of_position = position_ ? position_->forward() : Tensor();  // [1,h,N,N]
  if (!of_call.defined()) return of_position;
  const auto sum = of_position.defined() ? of_position + of_call : of_call;  // [n,h,N,N]
  const int64_t n = sum.size(0), h = sum.size(1), N = sum.size(2), M = sum.size(3);
  return sum.expand({batch / n, n, h, N, M}).reshape({batch, h, N, M});
}

Tensor SelfAttentionImpl::attend_turned(const Tensor& joint, const Tensor& rotary,
                                        const AttentionArgs& how) const {
  const int64_t h = config_.num_heads, d = config_.key_dim;
  auto [q, k, v] = config_.qkv_order == QkvOrder::kHeadsFirst
                       ? split_by_head<3>(joint, h, {d, d, config_.value_dim})
                       : split_qkv(joint, h);
  if (rotary.defined()) {
    q = apply_rotary(q, rotary);
    k = apply_rotary(k, rotary);
  }
  return attend(q, k, v, how);
}

Tensor SelfAttentionImpl::forward(const Tensor& x, const SelfAttentionArgs& args) {
  const int64_t h = config_.num_heads, d = config_.key_dim;
  const auto joint = qkv->forward(x.dim() == 3 ? x : x.flatten(1, -2));  // [B,N,h*(2d+d')]
  const AttentionArgs how{.bias = bias(x.size(0), args.bias),
                          .key_padding = args.key_padding,
                          .causal = args.causal,
                          .dropout = is_training() ? config_.attn_drop : 0.0};
  const bool as_they_are = config_.value_dim == d && !args.rotary.defined();
  auto y = as_they_are ? attend_joint(joint, h, how, config_.qkv_order)
                       : merge_heads(attend_turned(joint, args.rotary, how));
  y = nn::dropout(proj->forward(y), config_.proj_drop, is_training());  // [B,N,D']
  auto shape = x.sizes().vec();
  shape.back() = config_.dim_out;
  return y.view(shape);
}

}  // namespace braid::nn
