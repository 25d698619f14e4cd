#include "braid/nn/conv/conv_norm_act.h"

#include "braid/nn/basic/norm.h"
#include "braid/nn/basic/norm_act.h"

namespace braid::nn {
namespace {

ConvOptions conv_options(const ConvNormActConfig& config) {
  return {.kernel_size = config.kernel_size,
          .stride = config.stride,
          .groups = config.groups,
          .bias = config.bias,
          .padding = config.padding,
          .init = config.init};
}

}  // namespace

ConvNormActImpl::ConvNormActImpl(const ConvNormActConfig& config)
    : FoldableConvImpl(config.in_chs, config.out_chs, conv_options(config)), config_(config) {
  if (config.inference_mode) {
    make_single();
    return;
  }
  conv_ =
      register_module(config.conv_key, conv2d(config.in_chs, config.out_chs, conv_options(config)));
  norm_ = register_module(config.norm_key, batch_norm(config.out_chs, config.norm_eps));
  torch::nn::init::constant_(norm_->weight, config.norm_weight);
}

torch::Tensor ConvNormActImpl::forward(const torch::Tensor& x) {
  return is_single() ? activate(single(x), config_.act)
                     : norm_act(norm_, convolve(conv_, x), config_.act);
}

FoldedConv ConvNormActImpl::folded() const {
  auto folded = fold_batch_norm(conv_->weight, norm_);
  if (conv_->bias.defined()) folded.bias += conv_->bias.to(torch::kDouble) * norm_gain(norm_);
  return folded;
}

void ConvNormActImpl::reparameterize() {
  if (!config_.foldable || is_single()) return;
  make_single(folded(), conv_->weight);
  unregister_module(config_.conv_key);
  unregister_module(config_.norm_key);
  conv_ = nullptr;
  norm_ = nullptr;
}

}  // namespace braid::nn
