#include "braid/nn/conv/lightweight_conv.h"

#include "braid/nn/basic/dropout.h"
#include "braid/nn/conv/token_conv.h"

namespace braid::nn {

using torch::Tensor;

LightweightConvImpl::LightweightConvImpl(const LightweightConvConfig& config) : config_(config) {
  const auto linear = [](int64_t from, int64_t to, bool bias) {
    torch::nn::Linear layer(torch::nn::LinearOptions(from, to).bias(bias));
    torch::nn::init::xavier_uniform_(layer->weight);
    if (bias) torch::nn::init::zeros_(layer->bias);
    return layer;
  };
  const int64_t D = config_.dim, H = config_.num_heads, K = config_.kernel_size;
  linear1_ = register_module("linear1", linear(D, config_.glu ? 2 * D : D, true));
  torch::nn::Module* kernels = this;
  if (!config_.conv_key.empty())
    kernels = register_module(config_.conv_key, std::make_shared<torch::nn::Module>()).get();
  if (config_.dynamic) {
    weight_linear_ = kernels->register_module("weight_linear", linear(D, H * K, false));
  } else {
    weight_ = kernels->register_parameter("weight", torch::empty({H, 1, K}));
    torch::nn::init::xavier_uniform_(weight_);
  }
  linear2_ = register_module("linear2", linear(D, D, true));
}

Tensor LightweightConvImpl::dropped(const Tensor& x, double rate) const {
  return nn::dropout(x, rate, is_training());
}

Tensor LightweightConvImpl::forward(const Tensor& x, const TokenMixerArgs& args) {
  const int64_t H = config_.num_heads, K = config_.kernel_size, N = x.size(1);
  auto y = linear1_->forward(dropped(x, config_.input_drop));
  if (config_.glu) y = at::glu(y, -1);
  auto mask = args.key_padding;  // of the tokens before too, where there is a cache
  if (mask.defined()) mask = mask.narrow(1, mask.size(1) - N, N);
  y = zero_padding(y, mask);  // [B,N,D]
  const int64_t left = args.causal ? K - 1 : K / 2;
  const auto kernels_of = [&](const Tensor& raw) {
    return dropped(config_.softmax ? raw.softmax(-1) : raw, config_.weight_drop);
  };
  Tensor kernels;  // [B,N,H,K] or [H,K]
  if (config_.dynamic)
    kernels = kernels_of(weight_linear_->forward(y).unflatten(2, {H, K}));
  else
    kernels = kernels_of(weight_.squeeze(1));
  int64_t past = 0;
  if (args.cache) {
    y = with_past(y, *args.cache);
    past = y.size(1) - N;
    if (config_.dynamic) kernels = torch::constant_pad_nd(kernels, {0, 0, 0, 0, past, 0});
  }
  y = config_.dynamic ? dynamic_convolution(y, kernels, left) : token_convolution(y, kernels, left);
  return linear2_->forward(y.narrow(1, past, N));
}

// The tokens, and as many before them as a kernel reaches.
Tensor LightweightConvImpl::with_past(const Tensor& x, KeyValueCache& cache) const {
  const auto heads = x.unsqueeze(1);  // [B,1,N,D]
  const int64_t seen = cache.length(), reach = config_.kernel_size - 1;
  cache.append(heads, heads.narrow(3, 0, 0));
  if (!cache.is_joined()) return cache.keys(x.size(1) + reach).squeeze(1);
  // In a graph as many of them whatever was seen: zeros stand for those that are not there.
  if (seen == 0) return x;
  return torch::constant_pad_nd(cache.keys().squeeze(1), {0, 0, reach, 0})
      .narrow(1, seen, x.size(1) + reach);
}

}  // namespace braid::nn
