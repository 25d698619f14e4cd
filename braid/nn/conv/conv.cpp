#include "braid/nn/conv/conv.h"

#include "braid/nn/basic/init.h"
#include "braid/nn/basic/norm.h"

namespace braid::nn {

torch::nn::Conv2d conv2d(int64_t in, int64_t out, const ConvOptions& options) {
  const int64_t padding =
      options.padding.value_or((options.stride - 1 + options.dilation * (options.kernel - 1)) / 2);
  torch::nn::Conv2d layer(torch::nn::Conv2dOptions(in, out, options.kernel)
                              .stride(options.stride)
                              .padding(padding)
                              .dilation(options.dilation)
                              .groups(options.groups)
                              .bias(options.bias));
  if (options.init == ConvInit::kEfficientNet) init_conv_efficientnet_(layer);
  return layer;
}

torch::Tensor pointwise(const torch::nn::Conv2d& conv, const torch::Tensor& x) {
  auto shape = x.sizes().vec();
  shape.back() = conv->weight.size(0);
  return at::linear(x.reshape({-1, x.size(-1)}), conv->weight.flatten(1), conv->bias).view(shape);
}

ConvNormActImpl::ConvNormActImpl(int64_t in, int64_t out, const ConvOptions& options, Act act,
                                 double norm_eps)
    : act_(act) {
  conv = register_module("conv", conv2d(in, out, options));
  bn = register_module("bn", batch_norm(out, norm_eps));
}

torch::Tensor ConvNormActImpl::forward(const torch::Tensor& x) {
  return activate(bn->forward(conv->forward(x)), act_);
}

}  // namespace braid::nn
