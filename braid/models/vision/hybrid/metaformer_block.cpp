#include "braid/models/vision/hybrid/metaformer_block.h"

#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/init.h"
#include "braid/nn/conv/conv.h"

namespace braid::nn {
namespace {

Pointwise product(int64_t in, int64_t out, WeightLayout layout) {
  Pointwise layer(
      PointwiseConfig{.in_features = in, .out_features = out, .layout = layout, .bias = false});
  trunc_normal_(layer->weight, 0.02);
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
  pwconv1_ = register_module("pwconv1", product(dim, mid, WeightLayout::kConv1x1));
  act1_ = register_module("act1", StarRelu());
  dwconv_ = register_module("dwconv", conv2d(mid, mid, {.kernel_size = 7, .groups = mid}));
  trunc_normal_(dwconv_->weight, 0.02);
  pwconv2_ = register_module("pwconv2", product(mid, dim, WeightLayout::kConv1x1));
}

torch::Tensor SepConvImpl::forward(const torch::Tensor& x) {
  const auto y = act1_->forward(pwconv1_->forward(x));
  return pwconv2_->forward(to_nhwc(dwconv_->forward(to_nchw(y))));
}

StarReluMlpImpl::StarReluMlpImpl(const MetaFormerBlockConfig& config, int64_t hidden)
    : drop_(config.proj_drop) {
  const auto layout =
      config.token_mixer == TokenMixer::kSepConv ? WeightLayout::kConv1x1 : WeightLayout::kLinear;
  fc1_ = register_module("fc1", product(config.dim, hidden, layout));
  act_ = register_module("act", StarRelu());
  fc2_ = register_module("fc2", product(hidden, config.dim, layout));
}

torch::Tensor StarReluMlpImpl::forward(const torch::Tensor& x) {
  const auto y = torch::dropout(act_->forward(fc1_->forward(x)), drop_, is_training());
  return torch::dropout(fc2_->forward(y), drop_, is_training());
}

MetaFormerBlockImpl::MetaFormerBlockImpl(const MetaFormerBlockConfig& config)
    : drop_path_(config.drop_path) {
  const auto scale = [&](const char* name) {
    if (!config.res_scale) return torch::Tensor();
    return register_module(name, std::make_shared<torch::nn::Module>())
        ->register_parameter("scale", torch::full({config.dim}, *config.res_scale));
  };
  norm1_ = register_module("norm1", LayerNormNoBias(config.dim));
  if (config.token_mixer == TokenMixer::kSepConv)
    conv_ = register_module("token_mixer", SepConv(config.dim));
  else
    attention_ = register_module(
        "token_mixer", Attention(AttentionConfig{.dim = config.dim,
                                                 .num_heads = config.dim / config.head_dim,
                                                 .proj_bias = false,
                                                 .proj_drop = config.proj_drop}));
  res_scale1_ = scale("res_scale1");
  norm2_ = register_module("norm2", LayerNormNoBias(config.dim));
  mlp_ = register_module("mlp", StarReluMlp(config, 4 * config.dim));
  res_scale2_ = scale("res_scale2");
}

torch::Tensor MetaFormerBlockImpl::forward(const torch::Tensor& x) {
  auto y = to_nhwc(x);  // [B,H,W,C]
  const int64_t B = y.size(0), H = y.size(1), W = y.size(2), C = y.size(3);
  auto mixed = norm1_->forward(y);
  if (conv_)
    mixed = conv_->forward(mixed);
  else
    mixed = attention_->forward(mixed.reshape({B, H * W, C})).view({B, H, W, C});
  y = (res_scale1_.defined() ? y * res_scale1_ : y) + drop_path(mixed, drop_path_, is_training());
  const auto z = drop_path(mlp_->forward(norm2_->forward(y)), drop_path_, is_training());
  return to_nchw((res_scale2_.defined() ? y * res_scale2_ : y) + z);
}

}  // namespace braid::nn
