#include "braid/nn/block/efficientnet_blocks.h"

#include <cmath>

#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/make_divisible.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/basic/norm_act.h"

namespace braid::nn {
namespace {

int64_t hidden_chans(int64_t in, double exp_ratio) {
  return make_divisible(static_cast<double>(in) * exp_ratio);
}

// A null holder without squeeze-and-excitation.
SqueezeExcite squeeze_excite(int64_t chans, const MobileBlockConfig& config) {
  if (config.se.ratio == 0) return nullptr;
  const double squeezed = static_cast<double>(chans) * config.se.ratio;
  const int64_t rounded = config.se.rounding == SqueezeRounding::kDivisibleBy8
                              ? make_divisible(squeezed)
                              : std::max<int64_t>(1, std::llrint(squeezed));  // halves to even
  return SqueezeExcite(SqueezeExciteConfig{.in_chs = chans,
                                           .rd_channels = rounded,
                                           .act = config.se.act.value_or(config.act),
                                           .gate = config.se.gate,
                                           .reduce_key = "conv_reduce",
                                           .expand_key = "conv_expand"});
}

// The block's output, with its input added where the shape is kept.
torch::Tensor residual(const torch::Tensor& branch, const torch::Tensor& x,
                       const MobileBlockConfig& config, bool training) {
  if (config.stride != 1 || config.in_chs != config.out_chs) return branch;
  return x + drop_path(branch, config.drop_path, training);
}

// The block's convolution over pixels, whose padding pad() adds where it is not symmetric.
ConvOptions spatial(const MobileBlockConfig& config, int64_t groups) {
  ConvOptions options{.kernel_size = config.kernel_size, .stride = config.stride, .groups = groups};
  if (config.padding == Padding::kSame && config.stride > 1) options.padding = 0;
  return options;
}
torch::Tensor pad(const torch::Tensor& x, const MobileBlockConfig& config) {
  if (config.padding != Padding::kSame || config.stride == 1) return x;
  return pad_same(x, config.kernel_size, config.stride);
}

}  // namespace

DepthwiseSeparableConvImpl::DepthwiseSeparableConvImpl(const MobileBlockConfig& config)
    : config_(config) {
  const int64_t in = config.in_chs, out = config.out_chs;
  conv_dw_ = register_module("conv_dw", conv2d(in, in, spatial(config, in)));
  bn1_ = register_module("bn1", batch_norm(in, config.norm_eps));
  se_ = squeeze_excite(in, config);
  if (se_) register_module("se", se_);
  conv_pw_ = register_module("conv_pw", conv2d(in, out));
  bn2_ = register_module("bn2", batch_norm(out, config.norm_eps));
}

torch::Tensor DepthwiseSeparableConvImpl::forward(const torch::Tensor& x) {
  auto y = norm_act(bn1_, convolve(conv_dw_, pad(x, config_)), config_.act);
  if (se_) y = se_->forward(y);
  return residual(norm_act(bn2_, conv_pw_->forward(y), Act::kIdentity), x, config_, is_training());
}

InvertedResidualImpl::InvertedResidualImpl(const MobileBlockConfig& config) : config_(config) {
  const int64_t in = config.in_chs, out = config.out_chs, mid = hidden_chans(in, config.exp_ratio);
  conv_pw_ = register_module("conv_pw", conv2d(in, mid));
  bn1_ = register_module("bn1", batch_norm(mid, config.norm_eps));
  conv_dw_ = register_module("conv_dw", conv2d(mid, mid, spatial(config, mid)));
  bn2_ = register_module("bn2", batch_norm(mid, config.norm_eps));
  se_ = squeeze_excite(mid, config);
  if (se_) register_module("se", se_);
  conv_pwl_ = register_module("conv_pwl", conv2d(mid, out));
  bn3_ = register_module("bn3", batch_norm(out, config.norm_eps));
}

torch::Tensor InvertedResidualImpl::forward(const torch::Tensor& x) {
  auto y = norm_act(bn1_, conv_pw_->forward(x), config_.act);
  y = norm_act(bn2_, convolve(conv_dw_, pad(y, config_)), config_.act);
  if (se_) y = se_->forward(y);
  return residual(norm_act(bn3_, conv_pwl_->forward(y), Act::kIdentity), x, config_, is_training());
}

EdgeResidualImpl::EdgeResidualImpl(const MobileBlockConfig& config) : config_(config) {
  const int64_t in = config.in_chs, out = config.out_chs, mid = hidden_chans(in, config.exp_ratio);
  conv_exp_ = register_module("conv_exp", conv2d(in, mid, spatial(config, 1)));
  bn1_ = register_module("bn1", batch_norm(mid, config.norm_eps));
  se_ = squeeze_excite(mid, config);
  if (se_) register_module("se", se_);
  conv_pwl_ = register_module("conv_pwl", conv2d(mid, out));
  bn2_ = register_module("bn2", batch_norm(out, config.norm_eps));
}

torch::Tensor EdgeResidualImpl::forward(const torch::Tensor& x) {
  auto y = norm_act(bn1_, conv_exp_->forward(pad(x, config_)), config_.act);
  if (se_) y = se_->forward(y);
  return residual(norm_act(bn2_, conv_pwl_->forward(y), Act::kIdentity), x, config_, is_training());
}

UniversalInvertedResidualImpl::UniversalInvertedResidualImpl(
    const UniversalInvertedResidualConfig& config)
    : skip_(config.stride == 1 && config.in_chs == config.out_chs), drop_path_(config.drop_path) {
  const int64_t in = config.in_chs, out = config.out_chs, mid = hidden_chans(in, config.exp_ratio);
  const int64_t start = config.dw_kernel_size_start, middle = config.dw_kernel_size_mid;
  if (start > 0)
    dw_start_ = register_module(
        "dw_start", ConvNormAct(ConvNormActConfig{.in_chs = in,
                                                  .out_chs = in,
                                                  .kernel_size = start,
                                                  .stride = middle > 0 ? 1 : config.stride,
                                                  .groups = in}));
  pw_exp_ = register_module(
      "pw_exp", ConvNormAct(ConvNormActConfig{.in_chs = in, .out_chs = mid, .act = config.act}));
  if (middle > 0)
    dw_mid_ = register_module("dw_mid", ConvNormAct(ConvNormActConfig{.in_chs = mid,
                                                                      .out_chs = mid,
                                                                      .kernel_size = middle,
                                                                      .stride = config.stride,
                                                                      .groups = mid,
                                                                      .act = config.act}));
  pw_proj_ =
      register_module("pw_proj", ConvNormAct(ConvNormActConfig{.in_chs = mid, .out_chs = out}));
  if (config.layer_scale_init_value)
    layer_scale_ =
        register_module("layer_scale", LayerScale2d(out, *config.layer_scale_init_value));
}

torch::Tensor UniversalInvertedResidualImpl::forward(const torch::Tensor& x) {
  auto y = pw_exp_->forward(dw_start_ ? dw_start_->forward(x) : x);
  if (dw_mid_) y = dw_mid_->forward(y);
  y = pw_proj_->forward(y);
  if (layer_scale_) y = layer_scale_->forward(y);
  return skip_ ? x + drop_path(y, drop_path_, is_training()) : y;
}

}  // namespace braid::nn
