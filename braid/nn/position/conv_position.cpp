#include "braid/nn/position/conv_position.h"

#include "braid/nn/basic/token_grid.h"
#include "braid/nn/conv/conv.h"

namespace braid::nn {

using torch::Tensor;

ConvPositionImpl::ConvPositionImpl(const ConvPositionConfig& config) : config_(config) {
  const int64_t D = config.dim;
  conv =
      conv2d(D, D, {.kernel = 3, .stride = config.stride, .groups = D, .bias = true, .padding = 1});
  register_module("proj", std::make_shared<torch::nn::Module>())->register_module("0", conv);
}

Tensor ConvPositionImpl::forward_map(const Tensor& map) {
  const auto y = conv->forward(map);
  return config_.stride == 1 ? y + map : y;
}

Tensor ConvPositionImpl::forward_tokens(const Tensor& tokens, int64_t height) {
  const int64_t prefix = config_.prefix_tokens;
  const auto out = map_to_tokens(forward_map(tokens_to_map(tokens, prefix, height)));
  return prefix == 0 ? out : torch::cat({tokens.narrow(1, 0, prefix), out}, 1);
}

Tensor ConvPositionImpl::forward(const Tensor& x) {
  if (x.dim() == 4) return forward_map(x);
  return forward_tokens(x, square_side(x, config_.prefix_tokens));
}

}  // namespace braid::nn
