#include "braid/nn/block/mbconv_block.h"

#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/make_divisible.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/basic/norm_act.h"
#include "braid/nn/conv/conv.h"

namespace braid::nn {

MbConvBlockImpl::MbConvBlockImpl(const MbConvBlockConfig& config) : config_(config) {
  const int64_t in = config.in_chs, out = config.out_chs;
  const int64_t mid =
      make_divisible(static_cast<double>(config.expand_output ? out : in) * config.expand_ratio);
  if (config.stride == 2 || in != out)
    shortcut_ =
        register_module("shortcut", Downsample2d(Downsample2dConfig{.dim = in,
                                                                    .dim_out = out,
                                                                    .stride = config.stride,
                                                                    .padding = config.padding,
                                                                    .bias = config.output_bias}));
  pre_norm_ = register_module("pre_norm", batch_norm(in, config.norm_eps));
  conv1_ = register_module("conv1_1x1", conv2d(in, mid));
  norm1_ = register_module("norm1", batch_norm(mid, config.norm_eps));
  const bool strided = strides_by(StrideMode::kDepthwise);
  ConvOptions depthwise{
      .kernel_size = config.kernel_size, .stride = strided ? 2 : 1, .groups = mid};
  if (strided && config.padding == Padding::kSame) depthwise.padding = 0;  // forward pads
  conv2_ = register_module("conv2_kxk", conv2d(mid, mid, depthwise));
  const auto squeezed = static_cast<int64_t>(config.attn_ratio *
                                             static_cast<double>(config.expand_output ? out : mid));
  SqueezeExcite se{nullptr};
  if (config.attn_ratio > 0)
    se = SqueezeExcite(SqueezeExciteConfig{
        .in_chs = mid, .rd_channels = std::max<int64_t>(1, squeezed), .act = config.attn_act});
  if (se && config.attn_early) se_ = register_module("se_early", se);
  norm2_ = register_module("norm2", batch_norm(mid, config.norm_eps));
  if (se && !config.attn_early) se_ = register_module("se", se);
  conv3_ = register_module("conv3_1x1",
                           conv2d(mid, out, {.kernel_size = 1, .bias = config.output_bias}));
}

torch::Tensor MbConvBlockImpl::forward(const torch::Tensor& x) {
  auto y = norm_act(pre_norm_, x, config_.pre_norm_act ? config_.act : Act::kIdentity);
  if (strides_by(StrideMode::kPool)) y = halve(y, config_.padding);
  y = norm_act(norm1_, conv1_->forward(y), config_.act);
  if (strides_by(StrideMode::kDepthwise) && config_.padding == Padding::kSame)
    y = pad_same(y, config_.kernel_size, 2);
  y = convolve(conv2_, y);
  if (se_ && config_.attn_early) y = se_->forward(y);
  y = norm_act(norm2_, y, config_.act);
  if (se_ && !config_.attn_early) y = se_->forward(y);
  y = drop_path(conv3_->forward(y), config_.drop_path, is_training());
  return y + (shortcut_ ? shortcut_->forward(x) : x);
}

}  // namespace braid::nn
