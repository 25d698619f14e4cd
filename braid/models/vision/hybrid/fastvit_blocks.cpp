#include "braid/models/vision/hybrid/fastvit_blocks.h"

#include "braid/nn/attention/self_attention.h"
#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/dropout.h"
#include "braid/nn/basic/init.h"
#include "braid/nn/basic/init_layers.h"
#include "braid/nn/basic/norm.h"

namespace braid::models {
namespace {

torch::nn::Conv2d depthwise(int64_t dim, int64_t kernel) {
  return nn::conv2d(
      dim, dim, {.kernel_size = kernel, .groups = dim, .bias = true, .init = nn::ConvInit::kTorch});
}

nn::LayerScale2d map_scale(const FastViTBlockConfig& config) {
  return nn::LayerScale2d(config.dim, config.layer_scale_init_value, nn::GammaShape::kMap);
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
                           .act = nn::Act::kIdentity};
  mixer_ = register_module("mixer", MobileOne(branches));
  branches.use_scale_branch = false;
  branches.num_conv_branches = 0;
  norm_ = register_module("norm", MobileOne(branches));
  layer_scale_ = register_module(
      "layer_scale",
      nn::LayerScale2d(config.dim, config.layer_scale_init_value, nn::GammaShape::kMap));
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
      nn::identity_kernel(config_.dim, config_.dim, config_.kernel_size, gamma.device());
  nn::assign_folded(conv,
                    {identity + gamma.view({-1, 1, 1, 1}) * (mixer.weight - norm.weight),
                     gamma * (mixer.bias - norm.bias)},
                    layer_scale_->gamma);
  for (const char* name : {"norm", "mixer", "layer_scale"}) unregister_module(name);
  norm_ = mixer_ = nullptr;
  layer_scale_ = nullptr;
  reparam_conv_ = register_module("reparam_conv", conv);
}

FastVitMlpImpl::FastVitMlpImpl(int64_t dim, int64_t hidden, nn::Act act, double drop)
    : act_(act), drop_(drop) {
  conv =
      register_module("conv", nn::ConvNormAct(nn::ConvNormActConfig{
                                  .in_chs = dim, .out_chs = dim, .kernel_size = 7, .groups = dim}));
  const auto product = [](int64_t in, int64_t out) {
    return nn::Pointwise(nn::PointwiseConfig{.in_features = in,
                                             .out_features = out,
                                             .layout = nn::WeightLayout::kConv1x1,
                                             .init = nn::PointwiseInit::kEfficientNet});
  };
  fc1 = register_module("fc1", product(dim, hidden));
  fc2 = register_module("fc2", product(hidden, dim));
  nn::init_layers_(*this, nn::trunc_normal_);
}

torch::Tensor FastVitMlpImpl::forward(const torch::Tensor& x) {
  auto y = nn::to_nhwc(conv->forward(x));  // [B,H,W,C]
  y = nn::dropout(nn::activate(fc1->forward(y), act_), drop_, is_training());
  return nn::to_nchw(nn::dropout(fc2->forward(y), drop_, is_training()));
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
  return y + nn::drop_path(layer_scale->forward(mlp->forward(y)), drop_path_, is_training());
}

FastViTAttentionBlockImpl::FastViTAttentionBlockImpl(const FastViTBlockConfig& config)
    : PreNormBlockImpl({.drop_path = config.drop_path}) {
  add(mixer.norm, "norm", nn::batch_norm(config.dim));
  nn::SelfAttention attention(
      nn::SelfAttentionConfig{.dim = config.dim, .num_heads = config.dim / config.head_dim});
  add(mixer.layer, "token_mixer", {attention, [attention](const torch::Tensor& x) mutable {
                                     return nn::to_nchw(attention->forward(nn::to_nhwc(x)));
                                   }});
  add(mixer.scale, "layer_scale_1", map_scale(config));
  add(mlp.layer, "mlp", feed_forward(config));
  add(mlp.scale, "layer_scale_2", map_scale(config));
}

}  // namespace braid::models
