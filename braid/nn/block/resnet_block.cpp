#include "braid/nn/block/resnet_block.h"

#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/basic/norm_act.h"
#include "braid/nn/conv/conv.h"

namespace braid::nn {

ResNetBlockImpl::ResNetBlockImpl(const ResNetBlockConfig& config) : config_(config) {
  const int64_t in = config.in_chs, width = config.width, out = config.out_chs();
  const int64_t stride = config.stride;
  if (config.bottleneck) {
    conv1_ = register_module("conv1", conv2d(in, width));
    bn1_ = register_module("bn1", batch_norm(width));
    conv2_ = register_module("conv2", conv2d(width, width, {.kernel_size = 3, .stride = stride}));
    bn2_ = register_module("bn2", batch_norm(width));
    conv3_ = register_module("conv3", conv2d(width, out));
    bn3_ = register_module("bn3", batch_norm(out));
  } else {
    conv1_ = register_module("conv1", conv2d(in, width, {.kernel_size = 3, .stride = stride}));
    bn1_ = register_module("bn1", batch_norm(width));
    conv2_ = register_module("conv2", conv2d(width, width, {.kernel_size = 3}));
    bn2_ = register_module("bn2", batch_norm(width));
  }
  torch::nn::init::zeros_((bn3_ ? bn3_ : bn2_)->weight);
  if (config.shortcut == ResNetShortcut::kProjection && (stride != 1 || in != out))
    downsample_ = register_module(
        "downsample", torch::nn::Sequential(conv2d(in, out, {.kernel_size = 1, .stride = stride}),
                                            batch_norm(out)));
}

torch::Tensor ResNetBlockImpl::shortcut(const torch::Tensor& x) {
  if (downsample_) return downsample_->forward(x);
  const int64_t missing = config_.out_chs() - config_.in_chs, stride = config_.stride;
  if (stride == 1 && missing == 0) return x;
  const auto kept = x.slice(2, 0, x.size(2), stride).slice(3, 0, x.size(3), stride);
  return torch::constant_pad_nd(kept, {0, 0, 0, 0, missing / 2, missing - missing / 2}, 0);
}

torch::Tensor ResNetBlockImpl::forward(const torch::Tensor& x) {
  auto y = norm_act(bn1_, convolve(conv1_, x), Act::kRelu);
  y = norm_act(bn2_, convolve(conv2_, y), conv3_ ? Act::kRelu : Act::kIdentity);
  if (conv3_) y = norm_act(bn3_, conv3_->forward(y), Act::kIdentity);
  y = drop_path(y, config_.drop_path, is_training());
  return y.add_(shortcut(x)).relu_();
}

}  // namespace braid::nn
