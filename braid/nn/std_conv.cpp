#include "braid/nn/std_conv.h"

#include <algorithm>

namespace braid::nn {

torch::Tensor pad_same(const torch::Tensor& x, int64_t kernel, int64_t stride, double value) {
  const auto missing = [&](int64_t side) {
    return std::max<int64_t>(((side + stride - 1) / stride - 1) * stride + kernel - side, 0);
  };
  const int64_t h = missing(x.size(2)), w = missing(x.size(3));
  if (h == 0 && w == 0) return x;
  return torch::constant_pad_nd(x, {w / 2, w - w / 2, h / 2, h - h / 2}, value);
}

StdConv2dSameImpl::StdConv2dSameImpl(int64_t in, int64_t out, const StdConvOptions& options)
    : options_(options) {
  weight = register_parameter("weight", torch::empty({out, in, options.kernel, options.kernel}));
  torch::nn::init::kaiming_normal_(weight, 0, torch::kFanOut, torch::kReLU);
}

torch::Tensor StdConv2dSameImpl::forward(const torch::Tensor& x) {
  const auto standardized =
      at::batch_norm(weight.reshape({1, weight.size(0), -1}), /*weight=*/{}, /*bias=*/{},
                     /*running_mean=*/{}, /*running_var=*/{}, /*training=*/true, /*momentum=*/0,
                     options_.eps, /*cudnn_enabled=*/false)
          .view(weight.sizes());
  // Without a stride and for an odd kernel the padding is symmetric, and the convolution does it.
  if (options_.stride == 1 && options_.kernel % 2 == 1)
    return at::conv2d(x, standardized, /*bias=*/{}, /*stride=*/1, options_.kernel / 2);
  return at::conv2d(pad_same(x, options_.kernel, options_.stride), standardized, /*bias=*/{},
                    options_.stride);
}

}  // namespace braid::nn
