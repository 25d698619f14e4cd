#include "braid/models/vision/hybrid/mobile_one.h"

#include "braid/nn/basic/make_divisible.h"
#include "braid/nn/basic/norm.h"

namespace braid::models {
namespace {

int64_t group_count(int64_t group_size, int64_t chans) {
  return group_size == 0 ? 1 : chans / group_size;
}

}  // namespace

MobileOneImpl::MobileOneImpl(const MobileOneConfig& config) : config_(config) {
  const int64_t in = config.in_chs, out = config.out_chs;
  if (config.use_se) {
    const int64_t reduced = nn::make_divisible(static_cast<double>(out) / 16, 1, 0.0);
    se_ = register_module(
        "se", nn::SqueezeExcite(nn::SqueezeExciteConfig{.in_chs = out, .rd_channels = reduced}));
  }
  if (config.inference_mode) {
    reparam_conv_ = register_module("reparam_conv", single_conv());
    return;
  }
  if (in == out && config.stride == 1) identity_ = register_module("identity", nn::batch_norm(in));
  const auto branch = [&](int64_t kernel) {
    return nn::ConvNormAct(nn::ConvNormActConfig{.in_chs = in,
                                                 .out_chs = out,
                                                 .kernel_size = kernel,
                                                 .stride = config.stride,
                                                 .groups = groups(),
                                                 .init = nn::ConvInit::kTorch});
  };
  if (config.num_conv_branches > 0) {
    torch::nn::ModuleList list;
    for (int64_t i = 0; i < config.num_conv_branches; ++i) {
      convs_.push_back(branch(config.kernel_size));
      list->push_back(convs_.back());
    }
    register_module("conv_kxk", list);
  }
  if (config.kernel_size > 1 && config.use_scale_branch)
    scale_ = register_module("conv_scale", branch(1));
}

int64_t MobileOneImpl::groups() const { return group_count(config_.group_size, config_.in_chs); }

torch::nn::Conv2d MobileOneImpl::single_conv() const {
  return nn::conv2d(config_.in_chs, config_.out_chs,
                    {.kernel_size = config_.kernel_size,
                     .stride = config_.stride,
                     .groups = groups(),
                     .bias = true,
                     .init = nn::ConvInit::kTorch});
}

torch::Tensor MobileOneImpl::forward(const torch::Tensor& x) {
  torch::Tensor y;
  const auto add = [&y](const torch::Tensor& branch) { y = y.defined() ? y + branch : branch; };
  if (reparam_conv_) add(reparam_conv_->forward(x));
  if (scale_) add(scale_->forward(x));
  if (identity_) add(identity_->forward(x));
  for (auto& conv : convs_) add(conv->forward(x));
  if (se_) y = se_->forward(y);
  return nn::activate(y, config_.act);
}

nn::FoldedConv MobileOneImpl::folded() const {
  const auto device = parameters().at(0).device();
  const int64_t k = config_.kernel_size, out = config_.out_chs;
  nn::FoldedConv sum{torch::zeros({out, config_.in_chs / groups(), k, k},
                                  torch::dtype(torch::kDouble).device(device)),
                     torch::zeros({out}, torch::dtype(torch::kDouble).device(device))};
  if (scale_) sum = sum + nn::widen_kernel(scale_->folded(), k);
  if (identity_)
    sum = sum +
          nn::fold_batch_norm(nn::identity_kernel(config_.in_chs, groups(), k, device), identity_);
  for (const auto& conv : convs_) sum = sum + conv->folded();
  return sum;
}

void MobileOneImpl::reparameterize() {
  if (reparam_conv_) return;
  auto conv = single_conv();
  nn::assign_folded(conv, folded(), parameters().at(0));
  if (identity_) unregister_module("identity");
  if (!convs_.empty()) unregister_module("conv_kxk");
  if (scale_) unregister_module("conv_scale");
  identity_ = nullptr;
  convs_.clear();
  scale_ = nullptr;
  reparam_conv_ = register_module("reparam_conv", conv);
}

LargeKernelConvImpl::LargeKernelConvImpl(const LargeKernelConvConfig& config) : config_(config) {
  if (config.inference_mode) {
    reparam_conv_ = register_module("reparam_conv", single_conv());
    return;
  }
  const auto branch = [&](int64_t kernel) {
    return nn::ConvNormAct(
        nn::ConvNormActConfig{.in_chs = config.in_chs,
                              .out_chs = config.out_chs,
                              .kernel_size = kernel,
                              .stride = config.stride,
                              .groups = group_count(config.group_size, config.in_chs),
                              .init = nn::ConvInit::kTorch});
  };
  large_ = register_module("large_conv", branch(config.kernel_size));
  small_ = register_module("small_conv", branch(config.small_kernel));
}

torch::nn::Conv2d LargeKernelConvImpl::single_conv() const {
  return nn::conv2d(config_.in_chs, config_.out_chs,
                    {.kernel_size = config_.kernel_size,
                     .stride = config_.stride,
                     .groups = group_count(config_.group_size, config_.in_chs),
                     .bias = true,
                     .init = nn::ConvInit::kTorch});
}

torch::Tensor LargeKernelConvImpl::forward(const torch::Tensor& x) {
  return reparam_conv_ ? reparam_conv_->forward(x) : large_->forward(x) + small_->forward(x);
}

void LargeKernelConvImpl::reparameterize() {
  if (reparam_conv_) return;
  auto conv = single_conv();
  nn::assign_folded(conv,
                    large_->folded() + nn::widen_kernel(small_->folded(), config_.kernel_size),
                    large_->conv_weight());
  unregister_module("large_conv");
  unregister_module("small_conv");
  large_ = small_ = nullptr;
  reparam_conv_ = register_module("reparam_conv", conv);
}

}  // namespace braid::models
