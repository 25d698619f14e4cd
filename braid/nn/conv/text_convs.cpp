#include "braid/nn/conv/text_convs.h"

#include <string>

#include "braid/nn/conv/token_conv.h"

namespace braid::nn {

using torch::Tensor;

TextConvsImpl::TextConvsImpl(const TextConvsConfig& config)
    : kernel_sizes_(config.kernel_sizes),
      out_features_(config.num_filters * static_cast<int64_t>(config.kernel_sizes.size())) {
  for (size_t i = 0; i < kernel_sizes_.size(); ++i)
    convs_.push_back(register_module(
        std::to_string(i), torch::nn::Conv1d(torch::nn::Conv1dOptions(
                               config.in_features, config.num_filters, kernel_sizes_[i]))));
}

Tensor TextConvsImpl::forward(const Tensor& x, const Tensor& mask) {
  const auto channels_first = zero_padding(x, mask).transpose(1, 2);  // [B,C,N]
  std::vector<Tensor> maps;
  for (size_t i = 0; i < convs_.size(); ++i) {
    const int64_t left = (kernel_sizes_[i] - 1) / 2, right = kernel_sizes_[i] / 2;
    maps.push_back(
        convs_[i]->forward(torch::constant_pad_nd(channels_first, {left, right})).relu());
  }
  return torch::cat(maps, 1).transpose(1, 2);  // [B,N,D]
}

Tensor max_over_tokens(const Tensor& features, const Tensor& mask) {
  return zero_padding(features, mask).amax(1);
}

}  // namespace braid::nn
