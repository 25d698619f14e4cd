#include "braid/models/vision/hybrid/maxxvit_stem.h"

#include "braid/nn/basic/norm.h"
#include "braid/nn/conv/conv.h"

namespace braid::nn {

ConvStemImpl::ConvStemImpl(const ConvStemConfig& config) : config_(config) {
  ConvOptions options{.kernel = 3, .stride = config.stride, .bias = config.bias};
  if (config.stride == 2 && config.padding == Padding::kSame) options.padding = 0;  // forward pads
  conv1_ = register_module("conv1", conv2d(config.in_chans, config.out_chs[0], options));
  norm1_ = register_module("norm1", batch_norm(config.out_chs[0], config.norm_eps));
  conv2_ = register_module(
      "conv2", conv2d(config.out_chs[0], config.out_chs[1], {.kernel = 3, .bias = config.bias}));
}

torch::Tensor ConvStemImpl::forward(const torch::Tensor& x) {
  const bool pads = config_.stride == 2 && config_.padding == Padding::kSame;
  const auto y = conv1_->forward(pads ? pad_same(x, 3, 2) : x);
  return conv2_->forward(activate(norm1_->forward(y), config_.act));
}

}  // namespace braid::nn
