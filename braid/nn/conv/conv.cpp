#include "braid/nn/conv/conv.h"

#include <ATen/autocast_mode.h>

#include "braid/nn/basic/init.h"
#include "braid/nn/conv/patches.h"
#include "braid/nn/conv/square_conv.h"
#include "braid/ops/conv3x3.h"
#include "braid/ops/depthwise_conv.h"

namespace braid::nn {
namespace {

// None for what ops/depthwise_conv.h does not know.
std::optional<ops::DepthwiseConvOptions> as_depthwise(const torch::nn::Conv2dImpl& layer) {
  const auto conv = as_square(layer);
  const auto& options = layer.options;
  if (!conv || conv->groups == 1 || conv->groups != options.in_channels() ||
      options.out_channels() != options.in_channels())
    return std::nullopt;
  return ops::DepthwiseConvOptions{.stride = conv->stride, .padding = conv->padding};
}

// What ops/conv3x3.h computes, as far as the layer says so.
bool is_plain_3x3(const torch::nn::Conv2dImpl& layer) {
  const auto conv = as_square(layer);
  return conv && conv->kernel == 3 && conv->stride == 1 && conv->padding == 1 &&
         conv->groups == 1 && !layer.options.bias();
}

}  // namespace

int64_t ConvOptions::padding_pixels() const {
  return padding.value_or((stride - 1 + dilation * (kernel_size - 1)) / 2);
}

torch::nn::Conv2d conv2d(int64_t in_chs, int64_t out_chs, const ConvOptions& options) {
  torch::nn::Conv2d layer(torch::nn::Conv2dOptions(in_chs, out_chs, options.kernel_size)
                              .stride(options.stride)
                              .padding(options.padding_pixels())
                              .dilation(options.dilation)
                              .groups(options.groups)
                              .bias(options.bias));
  if (options.init == ConvInit::kTorch) return layer;
  init_conv_efficientnet_(layer);
  if (options.init == ConvInit::kTruncNormal) init_conv_trunc_normal_(layer);
  if (options.init == ConvInit::kFanOut) init_fan_out_(layer->weight);
  return layer;
}

bool stays_float32(const ConvSituation& s) {
  return s.cpu_bf16 && s.gradient && s.stride > 1 && s.groups > 1 && s.groups == s.in_chs;
}

torch::Tensor convolve(torch::nn::Conv2d& layer, const torch::Tensor& x) {
  const auto& options = layer->options;
  const bool autocast = x.is_cpu() && at::autocast::is_autocast_enabled(torch::kCPU) &&
                        x.scalar_type() != torch::kDouble;
  const auto type = autocast ? at::autocast::get_autocast_dtype(torch::kCPU) : x.scalar_type();
  const bool gradient =
      (x.requires_grad() || layer->weight.requires_grad()) && at::GradMode::is_enabled();
  if (gradient && layer->is_training() && x.is_contiguous(at::MemoryFormat::ChannelsLast))
    if (const auto depthwise = as_depthwise(*layer)) {
      const auto input = x.to(type);
      if (ops::is_fused(input, layer->weight, layer->bias, *depthwise))
        return ops::depthwise_conv2d(input, layer->weight, layer->bias, *depthwise);
    }
  if (gradient && layer->is_training()) {
    if (autocast && type == torch::kBFloat16 && suits_patch_product(*layer, x))
      return patch_product(layer, x.to(type));
    if (is_plain_3x3(*layer))
      if (const auto input = x.to(type); ops::is_fused_conv3x3(input, layer->weight))
        return ops::conv3x3(input, layer->weight);
  }
  if (!stays_float32({.cpu_bf16 = autocast && type == torch::kBFloat16,
                      .gradient = gradient,
                      .in_chs = options.in_channels(),
                      .groups = options.groups(),
                      .stride = (*options.stride())[0]}))
    return layer->forward(x);
  const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
  return layer->forward(x.to(torch::kFloat)).to(type);
}

}  // namespace braid::nn
