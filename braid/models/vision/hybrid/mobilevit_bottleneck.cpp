#include "braid/models/vision/hybrid/mobilevit_bottleneck.h"

#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/make_divisible.h"

namespace braid::nn {

BottleneckBlockImpl::BottleneckBlockImpl(const BottleneckBlockConfig& config)
    : identity_(config.in_chs == config.out_chs && config.stride == 1),
      out_act_(config.linear_out ? Act::kIdentity : config.act),
      drop_path_(config.drop_path) {
  const int64_t in = config.in_chs, out = config.out_chs;
  const int64_t mid =
      make_divisible(static_cast<double>(config.bottle_in ? in : out) * config.bottle_ratio);
  const int64_t groups = config.group_size > 0 ? mid / config.group_size : 1;
  if (!identity_ && config.downsample == BottleneckShortcut::kConv1x1)
    shortcut = register_module(
        "shortcut", ConvNormAct(in, out, ConvOptions{.stride = config.stride}, Act::kIdentity));
  conv1_1x1 = register_module("conv1_1x1", ConvNormAct(in, mid, ConvOptions{}, config.act));
  conv2_kxk = register_module("conv2_kxk", ConvNormAct(mid, mid,
                                                       ConvOptions{.kernel = config.kernel_size,
                                                                   .stride = config.stride,
                                                                   .groups = groups},
                                                       config.act));
  conv3_1x1 = register_module("conv3_1x1", ConvNormAct(mid, out, ConvOptions{}, Act::kIdentity));
  if (identity_ || shortcut) torch::nn::init::zeros_(conv3_1x1->bn->weight);
}

torch::Tensor BottleneckBlockImpl::forward(const torch::Tensor& x) {
  auto y = conv3_1x1->forward(conv2_kxk->forward(conv1_1x1->forward(x)));
  y = drop_path(y, drop_path_, is_training());
  if (identity_) y = y + x;
  if (shortcut) y = y + shortcut->forward(x);
  return activate(y, out_act_);
}

}  // namespace braid::nn
