#include "braid/models/vision/hybrid/repvit_layers.h"

#include "braid/nn/basic/init.h"
#include "braid/nn/basic/norm.h"

namespace braid::models {
namespace {

nn::ConvOptions depthwise_options(int64_t chs, int64_t kernel_size) {
  return {.kernel_size = kernel_size, .groups = chs, .init = nn::ConvInit::kTorch};
}

}  // namespace

RepVggDwImpl::RepVggDwImpl(const RepVggDwConfig& config)
    : FoldableConvImpl(config.in_chs, config.in_chs,
                       depthwise_options(config.in_chs, config.kernel_size)),
      config_(config) {
  if (config.inference_mode) {
    make_single();
    return;
  }
  const int64_t C = config.in_chs;
  const auto branch = [C](int64_t kernel) {
    return nn::ConvNormAct(nn::ConvNormActConfig{.in_chs = C,
                                                 .out_chs = C,
                                                 .kernel_size = kernel,
                                                 .groups = C,
                                                 .init = nn::ConvInit::kTorch,
                                                 .conv_key = "c"});
  };
  conv_ = register_module("conv", branch(config.kernel_size));
  if (config.legacy) {
    legacy_conv1_ = register_module("conv1", branch(1));
    return;
  }
  auto options = depthwise_options(C, 1);
  options.bias = true;
  conv1_ = register_module("conv1", nn::conv2d(C, C, options));
  bn_ = register_module("bn", nn::batch_norm(C));
}

torch::Tensor RepVggDwImpl::forward(const torch::Tensor& x) {
  if (is_single()) return single(x);
  if (config_.legacy) return conv_->forward(x) + legacy_conv1_->forward(x) + x;
  return bn_->forward(conv_->forward(x) + conv1_->forward(x) + x);
}

nn::FoldedConv RepVggDwImpl::folded() const {
  const int64_t C = config_.in_chs, k = config_.kernel_size;
  auto sum = conv_->folded();
  sum.weight += nn::identity_kernel(C, C, k, sum.weight.device());
  const auto point = config_.legacy ? legacy_conv1_->folded()
                                    : nn::FoldedConv{conv1_->weight.to(torch::kDouble),
                                                     conv1_->bias.to(torch::kDouble)};
  sum = sum + nn::widen_kernel(point, k);
  if (config_.legacy) return sum;
  const auto norm = nn::fold_batch_norm(sum.weight, bn_);
  return {norm.weight, norm.bias + sum.bias * nn::norm_gain(bn_)};
}

void RepVggDwImpl::reparameterize() {
  if (is_single()) return;
  make_single(folded(), conv_->conv_weight());
  for (const char* name : {"conv", "conv1"}) unregister_module(name);
  if (bn_) unregister_module("bn");
  conv_ = legacy_conv1_ = nullptr;
  conv1_ = nullptr;
  bn_ = nullptr;
}

NormLinearImpl::NormLinearImpl(int64_t in_features, int64_t out_features) {
  norm_ = register_module("bn", torch::nn::BatchNorm1d(in_features));
  linear_ = register_module("l", torch::nn::Linear(in_features, out_features));
  nn::init_linear_(linear_);
}

torch::nn::Linear NormLinearImpl::folded() const {
  const torch::NoGradGuard no_grad;
  const auto wide = [](const torch::Tensor& t) { return t.to(torch::kDouble); };
  const auto& weight = linear_->weight;
  const auto gain = wide(norm_->weight) * (wide(norm_->running_var) + norm_->options.eps()).rsqrt();
  const auto shift = wide(norm_->bias) - wide(norm_->running_mean) * gain;
  torch::nn::Linear linear(weight.size(1), weight.size(0));
  linear->to(weight.device(), weight.scalar_type());
  linear->eval();
  linear->weight.copy_(wide(weight) * gain);
  linear->bias.copy_(at::mv(wide(weight), shift) + wide(linear_->bias));
  return linear;
}

}  // namespace braid::models
