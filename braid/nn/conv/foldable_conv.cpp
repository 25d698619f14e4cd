#include "braid/nn/conv/foldable_conv.h"

namespace braid::nn {

void FoldableConvImpl::make_single() {
  auto options = options_;
  options.bias = true;
  const auto fresh = conv2d(in_chs_, out_chs_, options);
  weight_ = register_parameter("weight", fresh->weight.detach());
  bias_ = register_parameter("bias", fresh->bias.detach());
}

void FoldableConvImpl::make_single(const FoldedConv& folded, const torch::Tensor& like) {
  weight_ = register_parameter("weight", folded.weight.to(like.options()));
  bias_ = register_parameter("bias", folded.bias.to(like.options()));
}

torch::Tensor FoldableConvImpl::single(const torch::Tensor& x) const {
  return at::conv2d(x, weight_, bias_, options_.stride, options_.padding_pixels(),
                    options_.dilation, options_.groups);
}

}  // namespace braid::nn
