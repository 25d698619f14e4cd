#include "braid/nn/block/transformer_layer.h"

#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/dropout.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/basic/norm_for_product.h"
#include "braid/nn/basic/product.h"
#include "braid/nn/basic/register_at.h"
#include "braid/nn/mlp/grouped_linear.h"

namespace braid::nn {

using torch::Tensor;

TransformerLayerImpl::TransformerLayerImpl(const TransformerLayerConfig& config,
                                           std::shared_ptr<TokenMixerImpl> mixer)
    : config_(config) {
  const auto& keys = config_.keys;
  const auto attention = [&] {
    return std::make_shared<MultiHeadAttentionImpl>(
        MultiHeadAttentionConfig{.dim = config_.dim,
                                 .num_heads = config_.num_heads,
                                 .attn_drop = config_.attn_drop,
                                 .keys = keys.attention});
  };
  const auto norm = [&](const std::string& key) {
    auto layer = layer_norm(config_.dim, config_.norm_eps);
    register_at(*this, key, layer.ptr());
    return layer;
  };
  const auto linear = [&](const std::string& key, int64_t from, int64_t to) {
    const auto grouped = [&] { return AnyLayer(GroupedLinear(from, to, config_.mlp_groups)); };
    const auto plain = [&] {
      torch::nn::Linear made(from, to);
      return AnyLayer(made, [made](const Tensor& x) mutable { return product(made, x); });
    };
    const auto layer = config_.mlp_groups > 1 ? grouped() : plain();
    register_at(*this, key, layer.ptr());
    return layer;
  };
  mixer_ = mixer ? std::move(mixer) : attention();
  if (keys.mixer.empty())
    for (const auto& part : mixer_->named_children()) register_module(part.key(), part.value());
  else
    register_at(*this, keys.mixer, mixer_);
  mixer_norm_ = norm(keys.mixer_norm);
  if (config_.cross) {
    cross_ = attention();
    register_at(*this, keys.cross, cross_);
    cross_norm_ = norm(keys.cross_norm);
  }
  fc1_ = linear(keys.fc1, config_.dim, config_.gated_mlp ? 2 * config_.mlp_dim : config_.mlp_dim);
  fc2_ = linear(keys.fc2, config_.mlp_dim, config_.dim);
  mlp_norm_ = norm(keys.mlp_norm);
}

// A mixer whose modules are the layer's own is none of its modules itself.
void TransformerLayerImpl::train(bool on) {
  Module::train(on);
  mixer_->train(on);
}

template <class Function>
Tensor TransformerLayerImpl::branch(const Tensor& x, torch::nn::LayerNorm& norm,
                                    const Function& layer) {
  auto y = layer(config_.pre_norm ? norm_for_product(norm, x) : x);
  y = config_.drop_path > 0 ? x + drop_path(nn::dropout(y, config_.drop, is_training()),
                                            config_.drop_path, is_training())
                            : nn::dropout_add(y, x, config_.drop, is_training());
  return config_.pre_norm ? y : trained_norm(norm, y);
}

Tensor TransformerLayerImpl::hidden(const Tensor& x) {
  if (const auto* linear = fc1_.ptr()->as<torch::nn::Linear>(); linear && !config_.gated_mlp)
    return activated_product(x, linear->weight, linear->bias, config_.act, is_training());
  const auto y = fc1_.forward(x);
  if (!config_.gated_mlp) return activate(y, config_.act);
  const auto parts = y.chunk(2, -1);
  return activate(parts[0], config_.act) * parts[1];
}

Tensor TransformerLayerImpl::mlp(const Tensor& x) {
  return fc2_.forward(nn::dropout(hidden(x), config_.act_drop, is_training()));
}

Tensor TransformerLayerImpl::forward(const Tensor& x, const TransformerLayerArgs& args) {
  auto y = branch(x, mixer_norm_, [&](const Tensor& t) { return mixer_->forward(t, args.mixer); });
  if (args.cross)
    y = branch(y, cross_norm_, [&](const Tensor& t) { return cross_->forward(t, *args.cross); });
  return branch(y, mlp_norm_, [&](const Tensor& t) { return mlp(t); });
}

}  // namespace braid::nn
