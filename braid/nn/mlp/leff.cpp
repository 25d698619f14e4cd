#include "braid/nn/mlp/leff.h"

#include "braid/nn/basic/norm.h"
#include "braid/nn/basic/token_grid.h"
#include "braid/nn/conv/conv.h"

namespace braid::nn {

using torch::Tensor;

LeffImpl::LeffImpl(const LeffConfig& config) : config_(config) {
  const int64_t D = config.dim, hidden = config.hidden;
  // PyTorch's initialization, as the reference has it.
  const auto add = [&](const char* name, int64_t in, int64_t out, int64_t kernel, int64_t groups) {
    return register_module(
        name, torch::nn::Conv2d(
                  torch::nn::Conv2dOptions(in, out, kernel).padding(kernel / 2).groups(groups)));
  };
  conv1 = add("conv1", D, hidden, 1, 1);
  conv2 = add("conv2", hidden, hidden, config.kernel_size, hidden);
  conv3 = add("conv3", hidden, D, 1, 1);
  if (!config.with_bn) return;
  bn1 = register_module("bn1", batch_norm(hidden));
  bn2 = register_module("bn2", batch_norm(hidden));
  bn3 = register_module("bn3", batch_norm(D));
}

Tensor LeffImpl::forward_map(const Tensor& map) {
  auto x = to_nchw(pointwise(conv1, to_nhwc(map)));  // [B,hidden,H,W]
  x = activate(bn1 ? bn1->forward(x) : x, config_.act);
  x = conv2->forward(x);
  x = activate(bn2 ? bn2->forward(x) : x, config_.act);
  x = to_nchw(pointwise(conv3, to_nhwc(x)));  // [B,D,H,W]
  return bn3 ? bn3->forward(x) : x;
}

Tensor LeffImpl::forward_tokens(const Tensor& tokens, int64_t height) {
  const int64_t prefix = config_.prefix_tokens;
  const auto out = map_to_tokens(forward_map(tokens_to_map(tokens, prefix, height)));
  return prefix == 0 ? out : torch::cat({tokens.narrow(1, 0, prefix), out}, 1);
}

Tensor LeffImpl::forward(const Tensor& x) {
  if (x.dim() == 4) return forward_map(x);
  return forward_tokens(x, square_side(x, config_.prefix_tokens));
}

}  // namespace braid::nn
