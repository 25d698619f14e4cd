#include "braid/nn/conv/conv.h"

#include "braid/nn/basic/init.h"

namespace braid::nn {

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

}  // namespace braid::nn
