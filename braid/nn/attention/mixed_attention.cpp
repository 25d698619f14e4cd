#include "braid/nn/attention/mixed_attention.h"

#include "braid/nn/basic/register_at.h"
#include "braid/nn/conv/token_conv.h"

namespace braid::nn {

using torch::Tensor;

MixedAttentionImpl::MixedAttentionImpl(const MixedAttentionConfig& config) : config_(config) {
  const int64_t D = config.dim, half = D / 2;
  const auto linear = [this](const char* key, int64_t from, int64_t to) {
    torch::nn::Linear layer(from, to);
    register_at(*this, key, layer.ptr());
    return layer;
  };
  const auto filter = [&](const char* key, int64_t out, int64_t in, int64_t size) {
    auto module = std::make_shared<torch::nn::Module>();
    register_at(*this, std::string("self.key_conv_attn_layer.") + key, module);
    return module->register_parameter("weight", config.init_std * torch::randn({out, in, size}));
  };
  query_ = linear("self.query", D, half);
  key_ = linear("self.key", D, half);
  value_ = linear("self.value", D, half);
  depthwise_ = filter("depthwise", D, 1, config.kernel_size);
  pointwise_ = filter("pointwise", half, D, 1);
  bias_ = named_children()["self"]->named_children()["key_conv_attn_layer"]->register_parameter(
      "bias", torch::zeros({half, 1}));
  conv_kernel_ = linear("self.conv_kernel_layer", half, config.num_heads * config.kernel_size);
  conv_out_ = linear("self.conv_out_layer", D, half);
  output_ = linear("output.dense", D, D);
}

Tensor MixedAttentionImpl::forward(const Tensor& x, const TokenMixerArgs& args) {
  const int64_t H = config_.num_heads, K = config_.kernel_size;
  const auto queries = query_->forward(x);  // [B,N,D/2]
  const auto attended = attend(
      split_heads(queries, H), split_heads(key_->forward(x), H), split_heads(value_->forward(x), H),
      {.bias = args.bias,
       .key_padding = args.key_padding,
       .causal = args.causal,
       .dropout = is_training() ? config_.attn_drop : 0});  // [B,H,N,D/2/H]

  const auto neighbours =
      token_convolution(zero_padding(x, args.key_padding), depthwise_.squeeze(1), K / 2);
  const auto spans = at::linear(neighbours, pointwise_.squeeze(2), bias_.squeeze(1));
  const auto kernels = conv_kernel_->forward(spans * queries).unflatten(2, {H, K}).softmax(-1);
  const auto convolved =
      dynamic_convolution(zero_padding(conv_out_->forward(x), args.key_padding), kernels, K / 2);
  return output_->forward(torch::cat({merge_heads(attended), convolved}, -1));
}

}  // namespace braid::nn
