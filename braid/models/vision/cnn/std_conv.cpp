#include "braid/models/vision/cnn/std_conv.h"

namespace braid::models {

StdConv2dSameImpl::StdConv2dSameImpl(int64_t in_chs, int64_t out_chs, const StdConvOptions& options)
    : options_(options) {
  weight = register_parameter(
      "weight", torch::empty({out_chs, in_chs, options.kernel_size, options.kernel_size}));
  torch::nn::init::kaiming_normal_(weight, 0, torch::kFanOut, torch::kReLU);
}

torch::Tensor StdConv2dSameImpl::forward(const torch::Tensor& x) {
  const auto standardized =
      at::batch_norm(weight.reshape({1, weight.size(0), -1}), /*weight=*/{}, /*bias=*/{},
                     /*running_mean=*/{}, /*running_var=*/{}, /*training=*/true, /*momentum=*/0,
                     options_.eps, /*cudnn_enabled=*/false)
          .view(weight.sizes());
  // Without a stride and for an odd kernel the padding is symmetric, and the convolution does it.
  if (options_.stride == 1 && options_.kernel_size % 2 == 1)
    return at::conv2d(x, standardized, /*bias=*/{}, /*stride=*/1, options_.kernel_size / 2);
  return at::conv2d(nn::pad_same(x, options_.kernel_size, options_.stride), standardized,
                    /*bias=*/{}, options_.stride);
}

}  // namespace braid::models
