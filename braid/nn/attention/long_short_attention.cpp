#include "braid/nn/attention/long_short_attention.h"

namespace braid::nn {

LongShortAttentionImpl::LongShortAttentionImpl(const LongShortAttentionConfig& config) {
  const int64_t half = config.dim / 2;
  auto convolution = config.convolution;
  convolution.dim = half;
  convolution.num_heads = config.num_heads;
  attention_ = MultiHeadAttention(MultiHeadAttentionConfig{
      .dim = half, .num_heads = config.num_heads, .attn_drop = config.attn_drop});
  convolution_ = LightweightConv(convolution);
  const auto branches = register_module("branches", std::make_shared<torch::nn::Module>());
  branches->register_module("0", attention_);
  branches->register_module("1", convolution_);
}

torch::Tensor LongShortAttentionImpl::forward(const torch::Tensor& x, const TokenMixerArgs& args) {
  const auto halves = x.chunk(2, -1);  // [B,N,D/2] each
  auto beside = args;
  if (args.cache) beside.cache = &args.cache->beside();
  return torch::cat(
      {attention_->forward(halves[0], args), convolution_->forward(halves[1], beside)}, -1);
}

}  // namespace braid::nn
