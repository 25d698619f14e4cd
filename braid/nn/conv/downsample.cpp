#include "braid/nn/conv/downsample.h"

#include "braid/nn/conv/conv.h"

namespace braid::nn {

torch::Tensor halve(const torch::Tensor& x, Padding padding) {
  if (padding == Padding::kSame) return at::avg_pool2d(pad_same(x, 2, 2), 2);
  return at::avg_pool2d(x, 2, 2, 0, /*ceil_mode=*/true);
}

Downsample2dImpl::Downsample2dImpl(const Downsample2dConfig& config) : config_(config) {
  if (config.dim != config.dim_out)
    expand = register_module(
        "expand", conv2d(config.dim, config.dim_out, {.kernel_size = 1, .bias = config.bias}));
}

torch::Tensor Downsample2dImpl::forward(const torch::Tensor& x) {
  const auto y = config_.stride == 2 ? halve(x, config_.padding) : x;
  return expand ? expand->forward(y) : y;
}

}  // namespace braid::nn
