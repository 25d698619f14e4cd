#include "braid/models/vision/hybrid/fastvit_blocks.h"

#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/init.h"
#include "braid/nn/basic/norm.h"

namespace braid::nn {
namespace {

torch::nn::Conv2d depthwise(int64_t dim, int64_t kernel) {
  return conv2d(dim, dim,
                {.kernel = kernel, .groups = dim, .bias = true, .init = ConvInit::kTorch});
}

LayerScale2d map_scale(const FastViTBlockConfig& config) {
  return LayerScale2d(config.dim, config.layer_scale_init_value, GammaShape::kMap);
}

FastVitMlp feed_forward(const FastViTBlockConfig& config) {
  const auto hidden = static_cast<int64_t>(static_cast<double>(config.dim) * config.mlp_ratio);
  return FastVitMlp(config.dim, hidden, config.act, config.proj_drop);
}

}  // namespace

RepMixerImpl::RepMixerImpl(const RepMixerConfig& config) : config_(config) {
  if (config.inference_mode) {
    reparam_conv_ = register_module("reparam_conv", single_conv());
    return;
  }
  MobileOneConfig branches{.in_chs = config.dim,
                           .out_chs = config.dim,
                           .kernel_size = config.kernel_size,
                           .group_size = 1,
                           .act = Act::kIdentity};
  mixer_ = register_module("mixer", MobileOne(branches));
  branches.use_scale_branch = false;
  branches.num_conv_branches = 0;
  norm_ = register_module("norm", MobileOne(branches));
  layer_scale_ = register_module(
      "layer_scale", LayerScale2d(config.dim, config.layer_scale_init_value, GammaShape::kMap));
}

torch::nn::Conv2d RepMixerImpl::single_conv() const {
  return depthwise(config_.dim, config_.kernel_size);
}

torch::Tensor RepMixerImpl::forward(const torch::Tensor& x) {
  if (reparam_conv_) return reparam_conv_->forward(x);
  return x + layer_scale_->forward(mixer_->forward(x) - norm_->forward(x));
}

void RepMixerImpl::reparameterize() {
  if (reparam_conv_) return;
  auto conv = single_conv();
  const auto mixer = mixer_->folded(), norm = norm_->folded();
  const auto gamma = layer_scale_->gamma.to(torch::kDouble).flatten();
  const auto identity =
      identity_kernel(config_.dim, config_.dim, config_.kernel_size, gamma.device());
  assign_folded(conv,
                {identity + gamma.view({-1, 1, 1, 1}) * (mixer.weight - norm.weight),
                 gamma * (mixer.bias - norm.bias)},
                layer_scale_->gamma);
  for (const char* name : {"norm", "mixer", "layer_scale"}) unregister_module(name);
  norm_ = mixer_ = nullptr;
  layer_scale_ = nullptr;
  reparam_conv_ = register_module("reparam_conv", conv);
}

FastVitMlpImpl::FastVitMlpImpl(int64_t dim, int64_t hidden, Act act, double drop)
    : act_(act), drop_(drop) {
  conv = register_module(
      "conv", ConvNormAct(dim, dim, ConvOptions{.kernel = 7, .groups = dim}, Act::kIdentity));
  fc1 = register_module("fc1", conv2d(dim, hidden, {.kernel = 1, .bias = true}));
  fc2 = register_module("fc2", conv2d(hidden, dim, {.kernel = 1, .bias = true}));
  init_layers_(*this, trunc_normal_);
}

torch::Tensor FastVitMlpImpl::forward(const torch::Tensor& x) {
  auto y = to_nhwc(conv->forward(x));  // [B,H,W,C]
  y = torch::dropout(activate(pointwise(fc1, y), act_), drop_, is_training());
  return to_nchw(torch::dropout(pointwise(fc2, y), drop_, is_training()));
}

RepMixerBlockImpl::RepMixerBlockImpl(const FastViTBlockConfig& config)
    : drop_path_(config.drop_path) {
  token_mixer = register_module(
      "token_mixer",
      RepMixer(RepMixerConfig{.dim = config.dim,
                              .kernel_size = config.kernel_size,
                              .layer_scale_init_value = config.layer_scale_init_value,
                              .inference_mode = config.inference_mode}));
  mlp = register_module("mlp", feed_forward(config));
  layer_scale = register_module("layer_scale", map_scale(config));
}

torch::Tensor RepMixerBlockImpl::forward(const torch::Tensor& x) {
  const auto y = token_mixer->forward(x);
  return y + drop_path(layer_scale->forward(mlp->forward(y)), drop_path_, is_training());
}

FastViTAttentionBlockImpl::FastViTAttentionBlockImpl(const FastViTBlockConfig& config)
    : drop_path_(config.drop_path) {
  norm = register_module("norm", batch_norm(config.dim));
  token_mixer = register_module(
      "token_mixer",
      Attention(AttentionConfig{.dim = config.dim, .num_heads = config.dim / config.head_dim}));
  layer_scale_1 = register_module("layer_scale_1", map_scale(config));
  mlp = register_module("mlp", feed_forward(config));
  layer_scale_2 = register_module("layer_scale_2", map_scale(config));
}

torch::Tensor FastViTAttentionBlockImpl::forward(const torch::Tensor& x) {
  auto y = to_nhwc(norm->forward(x));  // [B,H,W,C]
  y = token_mixer->forward(y.flatten(1, 2)).view(y.sizes());
  y = x + drop_path(layer_scale_1->forward(to_nchw(y)), drop_path_, is_training());
  return y + drop_path(layer_scale_2->forward(mlp->forward(y)), drop_path_, is_training());
}

ConditionalPositionImpl::ConditionalPositionImpl(const ConditionalPositionConfig& config)
    : config_(config) {
  if (config.inference_mode)
    reparam_conv_ = register_module("reparam_conv", depthwise_conv());
  else
    pos_enc_ = register_module("pos_enc", depthwise_conv());
}

torch::nn::Conv2d ConditionalPositionImpl::depthwise_conv() const {
  return depthwise(config_.dim, config_.kernel_size);
}

torch::Tensor ConditionalPositionImpl::forward(const torch::Tensor& x) {
  return reparam_conv_ ? reparam_conv_->forward(x) : pos_enc_->forward(x) + x;
}

void ConditionalPositionImpl::reparameterize() {
  if (reparam_conv_) return;
  auto conv = depthwise_conv();
  const auto& weight = pos_enc_->weight;
  const auto identity =
      identity_kernel(config_.dim, config_.dim, config_.kernel_size, weight.device());
  assign_folded(conv, {identity + weight, pos_enc_->bias}, weight);
  unregister_module("pos_enc");
  pos_enc_ = nullptr;
  reparam_conv_ = register_module("reparam_conv", conv);
}

}  // namespace braid::nn
