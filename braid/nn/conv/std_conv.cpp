#include "braid/nn/conv/std_conv.h"

namespace braid::nn {

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
