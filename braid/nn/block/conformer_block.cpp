#include "braid/nn/block/conformer_block.h"

#include "braid/nn/basic/activation.h"
#include "braid/nn/basic/init.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/basic/token_grid.h"
#include "braid/nn/conv/conv.h"

namespace braid::nn {
namespace {

using torch::Tensor;
using torch::nn::Conv2d;

constexpr int64_t kExpansion = 4;  // channels of a bottleneck per inner channel
constexpr double kNormEps = 1e-6;

// He's normal with fan-out; a bias keeps PyTorch's initialization, as in the reference.
Conv2d projection(int64_t in, int64_t out, int64_t stride = 1, bool bias = false) {
  Conv2d layer(torch::nn::Conv2dOptions(in, out, 1).stride(stride).bias(bias));
  init_fan_out_(layer->weight);
  return layer;
}

}  // namespace

ConvBlockImpl::ConvBlockImpl(const ConvBlockConfig& config) {
  const int64_t in = config.in_chs, out = config.out_chs, inner = out / kExpansion;
  conv1 = register_module("conv1", projection(in, inner));
  bn1 = register_module("bn1", batch_norm(inner, kNormEps));
  conv2 = register_module(
      "conv2",
      conv2d(inner, inner, {.kernel_size = 3, .stride = config.stride, .init = ConvInit::kFanOut}));
  bn2 = register_module("bn2", batch_norm(inner, kNormEps));
  conv3 = register_module("conv3", projection(inner, out));
  bn3 = register_module("bn3", batch_norm(out, kNormEps));
  if (!config.res_conv) return;
  residual_conv = register_module("residual_conv", projection(in, out, config.stride));
  residual_bn = register_module("residual_bn", batch_norm(out, kNormEps));
}

std::pair<Tensor, Tensor> ConvBlockImpl::forward(const Tensor& x, const Tensor& guest) {
  auto y = at::relu(bn1->forward(conv1->forward(x)));
  if (guest.defined()) y = y + guest;
  const auto inner = at::relu(bn2->forward(conv2->forward(y)));
  y = bn3->forward(conv3->forward(inner));
  y = y + (residual_conv ? residual_bn->forward(residual_conv->forward(x)) : x);
  return {at::relu(y), inner};
}

FcuDownImpl::FcuDownImpl(int64_t chans, int64_t embed_dim, int64_t stride) : stride_(stride) {
  conv_project = register_module("conv_project", projection(chans, embed_dim, 1, /*bias=*/true));
  ln = register_module("ln", layer_norm(embed_dim, kNormEps));
}

Tensor FcuDownImpl::forward(const Tensor& map) {
  auto tokens = conv_project->forward(map);  // [B,D,H,W]
  if (stride_ > 1) tokens = at::avg_pool2d(tokens, stride_, stride_);
  return activate(ln->forward(to_nhwc(tokens).flatten(1, 2)), Act::kGelu);  // [B,h*w,D]
}

FcuUpImpl::FcuUpImpl(int64_t embed_dim, int64_t chans, int64_t stride) : stride_(stride) {
  conv_project =
      register_module("conv_project", Pointwise(PointwiseConfig{.in_features = embed_dim,
                                                                .out_features = chans,
                                                                .layout = WeightLayout::kConv1x1,
                                                                .init = PointwiseInit::kTorch}));
  init_fan_out_(conv_project->weight);
  bn = register_module("bn", batch_norm(chans, kNormEps));
}

Tensor FcuUpImpl::forward(const Tensor& grid) {
  const auto map = to_nchw(conv_project->forward(to_nhwc(grid)));  // [B,C,h,w]
  auto y = at::relu(bn->forward(map));
  if (stride_ == 1) return y;
  return at::upsample_nearest2d(y, {y.size(2) * stride_, y.size(3) * stride_});
}

ConvTransBlockImpl::ConvTransBlockImpl(const ConvTransBlockConfig& config)
    : prefix_tokens_(config.prefix_tokens), dw_stride_(config.dw_stride) {
  const int64_t in = config.in_chs, out = config.out_chs, D = config.embed_dim;
  cnn_block = register_module(
      "cnn_block", ConvBlock(ConvBlockConfig{.in_chs = in,
                                             .out_chs = out,
                                             .stride = config.stride,
                                             .res_conv = config.stride != 1 || in != out}));
  fusion_block = register_module("fusion_block",
                                 ConvBlock(ConvBlockConfig{.in_chs = out,
                                                           .out_chs = out,
                                                           .stride = config.last_fusion ? 2 : 1,
                                                           .res_conv = config.last_fusion}));
  if (config.num_med_block > 0) {
    med_block = register_module("med_block", torch::nn::ModuleList());
    for (int64_t i = 0; i < config.num_med_block; ++i)
      med_block->push_back(ConvBlock(ConvBlockConfig{.in_chs = out, .out_chs = out}));
  }
  squeeze_block = register_module("squeeze_block", FcuDown(out / kExpansion, D, dw_stride_));
  expand_block = register_module("expand_block", FcuUp(D, out / kExpansion, dw_stride_));
  trans_block =
      register_module("trans_block", ViTBlock(ViTBlockConfig{.dim = D,
                                                             .num_heads = config.num_heads,
                                                             .mlp_ratio = config.mlp_ratio,
                                                             .qkv_bias = config.qkv_bias,
                                                             .norm_eps = kNormEps,
                                                             .attn_drop = config.attn_drop,
                                                             .proj_drop = config.proj_drop,
                                                             .drop_path = config.drop_path}));
}

std::pair<Tensor, Tensor> ConvTransBlockImpl::forward(const Tensor& map, const Tensor& tokens) {
  auto [x, inner] = cnn_block->forward(map);
  auto squeezed = squeeze_block->forward(inner);  // [B,h*w,D]
  // The class token has no place on the map: it stands for itself there, and so is doubled.
  if (prefix_tokens_ > 0) squeezed = torch::cat({tokens.narrow(1, 0, prefix_tokens_), squeezed}, 1);
  const auto t = trans_block->forward(squeezed + tokens);
  if (med_block)
    for (const auto& block : *med_block) x = block->as<ConvBlock>()->forward(x).first;
  const auto grid = tokens_to_map(t, prefix_tokens_, inner.size(2) / dw_stride_);  // [B,D,h,w]
  return {fusion_block->forward(x, expand_block->forward(grid)).first, t};
}

}  // namespace braid::nn
