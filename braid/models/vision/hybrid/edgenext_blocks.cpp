#include "braid/models/vision/hybrid/edgenext_blocks.h"

#include <numbers>

#include "braid/nn/attention/core.h"
#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/dropout.h"
#include "braid/nn/basic/init.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/basic/norm_for_product.h"
#include "braid/nn/conv/conv.h"

namespace braid::models {
namespace {

nn::Mlp edgenext_mlp(const SdtaBlockConfig& config) {
  const auto hidden = static_cast<int64_t>(config.expand_ratio * static_cast<double>(config.dim));
  return nn::Mlp(nn::MlpConfig{.in_features = config.dim, .hidden_features = hidden});
}

torch::Tensor initial_gamma(const SdtaBlockConfig& config) {
  return torch::full({config.dim}, config.ls_init_value);
}

torch::nn::Conv2d sdta_conv(int64_t chans, int64_t kernel) {
  return nn::conv2d(chans, chans, {.kernel_size = kernel, .groups = chans, .bias = true});
}

}  // namespace

FourierPositionImpl::FourierPositionImpl(const FourierPositionConfig& config) : config_(config) {
  token_projection =
      register_module("token_projection",
                      nn::Pointwise(nn::PointwiseConfig{.in_features = 2 * config.hidden_dim,
                                                        .out_features = config.dim,
                                                        .layout = nn::WeightLayout::kConv1x1,
                                                        .init = nn::PointwiseInit::kEfficientNet}));
}

torch::Tensor FourierPositionImpl::waves(int64_t extent) const {
  // In float32 whatever the model's type, as the reference has it.
  const auto options = torch::dtype(torch::kFloat).device(token_projection->weight.device());
  auto position = torch::arange(1, extent + 1, options);
  position = position / (position.slice(0, extent - 1) + 1e-6) * (2 * std::numbers::pi);
  auto scale = torch::arange(config_.hidden_dim, options);
  scale = 2 * torch::div(scale, 2, "floor") / config_.hidden_dim;
  scale = torch::pow(config_.temperature, scale);
  const auto phase = position.unsqueeze(1) / scale;  // [extent,hidden]
  return torch::stack({phase.slice(1, 0, config_.hidden_dim, 2).sin(),
                       phase.slice(1, 1, config_.hidden_dim, 2).cos()},
                      2)
      .flatten(1);
}

torch::Tensor FourierPositionImpl::forward(int64_t height, int64_t width) {
  const int64_t hidden = config_.hidden_dim;
  const auto rows = waves(height).unsqueeze(1).expand({height, width, hidden});
  const auto columns = waves(width).unsqueeze(0).expand({height, width, hidden});
  const auto both = torch::cat({rows, columns}, 2).unsqueeze(0);  // [1,H,W,2 hidden]
  return token_projection->forward(both.to(token_projection->weight.dtype()));
}

CrossCovarianceAttentionImpl::CrossCovarianceAttentionImpl(
    const CrossCovarianceAttentionConfig& config)
    : config_(config) {
  temperature = register_parameter("temperature", torch::ones({config.num_heads, 1, 1}));
  qkv = register_module(
      "qkv", torch::nn::Linear(
                 torch::nn::LinearOptions(config.dim, 3 * config.dim).bias(config.qkv_bias)));
  proj = register_module("proj", torch::nn::Linear(config.dim, config.dim));
  nn::init_linear_(qkv);
  nn::init_linear_(proj);
}

torch::Tensor CrossCovarianceAttentionImpl::forward(const torch::Tensor& x) {
  namespace F = torch::nn::functional;
  auto parts = nn::split_qkv(qkv->forward(x), config_.num_heads);
  for (auto& part : parts) part = part.transpose(2, 3);  // 3 x [B,h,d,N]
  const auto along_tokens = F::NormalizeFuncOptions().dim(-1);
  const auto q = F::normalize(parts[0], along_tokens) * temperature;
  const auto k = F::normalize(parts[1], along_tokens);
  const auto y =
      nn::attend(q, k, parts[2],
                 {.scale = 1.0, .dropout = is_training() ? config_.attn_drop : 0.0});  // [B,h,d,N]
  return nn::dropout(proj->forward(nn::merge_heads(y.transpose(2, 3))), config_.proj_drop,
                     is_training());
}

SdtaBlockImpl::SdtaBlockImpl(const SdtaBlockConfig& config) : drop_path_(config.drop_path) {
  const int64_t dim = config.dim, width = (dim + config.num_scales - 1) / config.num_scales;
  gamma_xca = register_parameter("gamma_xca", initial_gamma(config));
  gamma = register_parameter("gamma", initial_gamma(config));
  for (int64_t i = 0; i + 1 < config.num_scales; ++i) {
    convs_.push_back(sdta_conv(width, 3));
    convs->push_back(convs_.back());
  }
  register_module("convs", convs);
  if (config.use_pos_emb)
    pos_embd =
        register_module("pos_embd", FourierPosition(FourierPositionConfig{.dim = config.dim}));
  norm_xca = register_module("norm_xca", nn::layer_norm(dim));
  xca = register_module("xca", CrossCovarianceAttention(CrossCovarianceAttentionConfig{
                                   .dim = dim, .num_heads = config.num_heads, .qkv_bias = true}));
  norm = register_module("norm", nn::layer_norm(dim));
  mlp = register_module("mlp", edgenext_mlp(config));
}

torch::Tensor SdtaBlockImpl::mix_scales(const torch::Tensor& x) {
  auto parts = x.chunk(static_cast<int64_t>(convs_.size()) + 1, 1);  // the last one stays as it is
  for (size_t i = 0; i < convs_.size(); ++i)
    parts[i] = nn::convolve(convs_[i], i == 0 ? parts[0] : parts[i - 1] + parts[i]);
  return torch::cat(parts, 1);
}

torch::Tensor SdtaBlockImpl::forward(const torch::Tensor& x) {
  auto y = nn::to_nhwc(mix_scales(x));  // [B,H,W,C]
  if (pos_embd) y = y + pos_embd->forward(y.size(1), y.size(2));
  const auto attended =
      xca->forward(nn::norm_for_product(norm_xca, y).flatten(1, 2)).view(y.sizes());
  y = y + nn::drop_path(gamma_xca * attended, drop_path_, is_training());
  y = gamma * mlp->forward(nn::norm_for_product(norm, y));
  return x + nn::drop_path(nn::to_nchw(y), drop_path_, is_training());
}

}  // namespace braid::models
