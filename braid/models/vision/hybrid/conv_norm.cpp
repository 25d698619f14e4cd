#include "braid/models/vision/hybrid/conv_norm.h"

#include "braid/nn/basic/init.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/conv/conv.h"

namespace braid::nn {

void FoldableConvImpl::make_single() {
  const auto fresh = conv2d(
      config_.in_chs, config_.out_chs,
      {.kernel = config_.kernel, .groups = config_.groups, .bias = true, .init = ConvInit::kTorch});
  weight = register_parameter("weight", fresh->weight.detach());
  bias = register_parameter("bias", fresh->bias.detach());
}

void FoldableConvImpl::make_single(const FoldedConv& folded, const torch::Tensor& like) {
  weight = register_parameter("weight", folded.weight.to(like.options()));
  bias = register_parameter("bias", folded.bias.to(like.options()));
}

torch::Tensor FoldableConvImpl::single(const torch::Tensor& x) const {
  return at::conv2d(x, weight, bias, config_.stride, config_.kernel / 2, /*dilation=*/1,
                    config_.groups);
}

ConvNormImpl::ConvNormImpl(const ConvNormConfig& config) : FoldableConvImpl(config) {
  if (config.inference_mode) {
    make_single();
    return;
  }
  c = register_module("c", conv2d(config.in_chs, config.out_chs,
                                  {.kernel = config.kernel,
                                   .stride = config.stride,
                                   .groups = config.groups,
                                   .init = ConvInit::kTorch}));
  bn = register_module("bn", batch_norm(config.out_chs));
  torch::nn::init::constant_(bn->weight, config.bn_weight_init);
}

torch::Tensor ConvNormImpl::forward(const torch::Tensor& x) {
  return is_single() ? single(x) : bn->forward(c->forward(x));
}

void ConvNormImpl::reparameterize() {
  if (is_single()) return;
  make_single(folded(), c->weight);
  unregister_module("c");
  unregister_module("bn");
  c = nullptr;
  bn = nullptr;
}

RepVggDwImpl::RepVggDwImpl(const RepVggDwConfig& config)
    : FoldableConvImpl(ConvNormConfig{.in_chs = config.chans,
                                      .out_chs = config.chans,
                                      .kernel = config.kernel_size,
                                      .groups = config.chans}),
      config_(config) {
  if (config.inference_mode) {
    make_single();
    return;
  }
  const int64_t C = config.chans;
  const auto branch = [&](int64_t kernel) {
    return ConvNorm(ConvNormConfig{.in_chs = C, .out_chs = C, .kernel = kernel, .groups = C});
  };
  conv = register_module("conv", branch(config.kernel_size));
  if (config.legacy) {
    legacy_conv1 = register_module("conv1", branch(1));
    return;
  }
  conv1 =
      register_module("conv1", conv2d(C, C, {.groups = C, .bias = true, .init = ConvInit::kTorch}));
  bn = register_module("bn", batch_norm(C));
}

torch::Tensor RepVggDwImpl::forward(const torch::Tensor& x) {
  if (is_single()) return single(x);
  if (config_.legacy) return conv->forward(x) + legacy_conv1->forward(x) + x;
  return bn->forward(conv->forward(x) + conv1->forward(x) + x);
}

FoldedConv RepVggDwImpl::folded() const {
  const int64_t C = config_.chans, k = config_.kernel_size;
  auto sum = conv->folded();
  sum.weight += identity_kernel(C, C, k, sum.weight.device());
  const auto point =
      config_.legacy ? legacy_conv1->folded()
                     : FoldedConv{conv1->weight.to(torch::kDouble), conv1->bias.to(torch::kDouble)};
  sum = sum + FoldedConv{widen_kernel(point.weight, k), point.bias};
  if (config_.legacy) return sum;
  const auto norm = fold_batch_norm(sum.weight, bn);
  const auto gain = bn->weight.to(torch::kDouble) *
                    (bn->running_var.to(torch::kDouble) + bn->options.eps()).rsqrt();
  return {norm.weight, norm.bias + sum.bias * gain};
}

void RepVggDwImpl::reparameterize() {
  if (is_single()) return;
  make_single(folded(), conv->c->weight);
  for (const char* name : {"conv", "conv1"}) unregister_module(name);
  if (bn) unregister_module("bn");
  conv = legacy_conv1 = nullptr;
  conv1 = nullptr;
  bn = nullptr;
}

NormLinearImpl::NormLinearImpl(int64_t in_features, int64_t out_features) {
  bn = register_module("bn", torch::nn::BatchNorm1d(in_features));
  l = register_module("l", torch::nn::Linear(in_features, out_features));
  init_linear_(l);
}

torch::nn::Linear NormLinearImpl::folded() const {
  const torch::NoGradGuard no_grad;
  const auto wide = [](const torch::Tensor& t) { return t.to(torch::kDouble); };
  const auto gain = wide(bn->weight) * (wide(bn->running_var) + bn->options.eps()).rsqrt();
  const auto shift = wide(bn->bias) - wide(bn->running_mean) * gain;
  torch::nn::Linear linear(l->weight.size(1), l->weight.size(0));
  linear->to(l->weight.device(), l->weight.scalar_type());
  linear->eval();
  linear->weight.copy_(wide(l->weight) * gain);
  linear->bias.copy_(at::mv(wide(l->weight), shift) + wide(l->bias));
  return linear;
}

}  // namespace braid::nn
