#include "braid/models/vision/hybrid/metaformer_block.h"

#include "braid/nn/attention/self_attention.h"
#include "braid/nn/basic/dropout.h"
#include "braid/nn/basic/init.h"
#include "braid/nn/conv/conv.h"

namespace braid::models {
namespace {

nn::Pointwise star_product(int64_t in, int64_t out, nn::WeightLayout layout) {
  nn::Pointwise layer(
      nn::PointwiseConfig{.in_features = in, .out_features = out, .layout = layout, .bias = false});
  nn::trunc_normal_(layer->weight, 0.02);
  return layer;
}

}  // namespace

StarReluImpl::StarReluImpl() {
  scale = register_parameter("scale", torch::ones({1}));
  bias = register_parameter("bias", torch::zeros({1}));
}

torch::Tensor StarReluImpl::forward(const torch::Tensor& x) {
  return scale * at::relu(x).square() + bias;
}

SepConvImpl::SepConvImpl(int64_t dim) {
  const int64_t mid = 2 * dim;
  pwconv1_ = register_module("pwconv1", star_product(dim, mid, nn::WeightLayout::kConv1x1));
  act1_ = register_module("act1", StarRelu());
  dwconv_ = register_module("dwconv", nn::conv2d(mid, mid, {.kernel_size = 7, .groups = mid}));
  nn::trunc_normal_(dwconv_->weight, 0.02);
  pwconv2_ = register_module("pwconv2", star_product(mid, dim, nn::WeightLayout::kConv1x1));
}

torch::Tensor SepConvImpl::forward(const torch::Tensor& x) {
  const auto y = act1_->forward(pwconv1_->forward(x));
  return pwconv2_->forward(nn::to_nhwc(nn::convolve(dwconv_, nn::to_nchw(y))));
}

StarReluMlpImpl::StarReluMlpImpl(const MetaFormerBlockConfig& config, int64_t hidden)
    : drop_(config.proj_drop) {
  const auto layout = config.token_mixer == TokenMixer::kSepConv ? nn::WeightLayout::kConv1x1
                                                                 : nn::WeightLayout::kLinear;
  fc1_ = register_module("fc1", star_product(config.dim, hidden, layout));
  act_ = register_module("act", StarRelu());
  fc2_ = register_module("fc2", star_product(hidden, config.dim, layout));
}

torch::Tensor StarReluMlpImpl::forward(const torch::Tensor& x) {
  const auto y = nn::dropout(act_->forward(fc1_->forward(x)), drop_, is_training());
  return nn::dropout(fc2_->forward(y), drop_, is_training());
}

ResScaleImpl::ResScaleImpl(int64_t dim, double init_value) {
  scale = register_parameter("scale", torch::full({dim}, init_value));
}

MetaFormerBlockImpl::MetaFormerBlockImpl(const MetaFormerBlockConfig& config)
    : PreNormBlockImpl({.drop_path = config.drop_path, .parts_see = nn::MapLayout::kNhwc}) {
  const int64_t dim = config.dim;
  add(mixer.norm, "norm1", nn::LayerNormNoBias(dim));
  if (config.token_mixer == TokenMixer::kSepConv)
    add(mixer.layer, "token_mixer", SepConv(dim));
  else
    add(mixer.layer, "token_mixer",
        nn::SelfAttention(nn::SelfAttentionConfig{.dim = dim,
                                                  .num_heads = dim / config.head_dim,
                                                  .proj_bias = false,
                                                  .proj_drop = config.proj_drop}));
  if (config.res_scale) add(mixer.shortcut, "res_scale1", ResScale(dim, *config.res_scale));
  add(mlp.norm, "norm2", nn::LayerNormNoBias(dim));
  add(mlp.layer, "mlp", StarReluMlp(config, 4 * dim));
  if (config.res_scale) add(mlp.shortcut, "res_scale2", ResScale(dim, *config.res_scale));
}

}  // namespace braid::models
