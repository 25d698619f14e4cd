#include "braid/models/vision/hybrid/cvt_attention.h"

#include "braid/nn/attention/core.h"
#include "braid/nn/basic/dropout.h"
#include "braid/nn/basic/init.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/conv/conv.h"

namespace braid::models {

ConvProjectionImpl::ConvProjectionImpl(int64_t dim, int64_t kernel, int64_t stride) {
  convolution = nn::conv2d(
      dim, dim, {.kernel_size = kernel, .stride = stride, .groups = dim, .padding = kernel / 2});
  nn::trunc_normal_(convolution->weight, 0.02);
  normalization = nn::batch_norm(dim);
  auto projection =
      register_module("convolution_projection", std::make_shared<torch::nn::Module>());
  projection->register_module("convolution", convolution);
  projection->register_module("normalization", normalization);
}

torch::Tensor ConvProjectionImpl::forward(const torch::Tensor& map) {
  return nn::to_nhwc(normalization->forward(nn::convolve(convolution, map))).flatten(1, 2);
}

ConvProjectionAttentionImpl::ConvProjectionAttentionImpl(
    const ConvProjectionAttentionConfig& config)
    : config_(config) {
  const int64_t D = config.dim;
  auto attention = register_module("attention", std::make_shared<torch::nn::Module>());
  const auto add = [&](const std::string& name, int64_t stride, ConvProjection& conv,
                       torch::nn::Linear& linear) {
    conv = ConvProjection(D, config.kernel_size, stride);
    attention->register_module("convolution_projection_" + name, conv);
    linear = torch::nn::Linear(torch::nn::LinearOptions(D, D).bias(config.qkv_bias));
    nn::init_linear_(linear);
    attention->register_module("projection_" + name, linear);
  };
  add("query", 1, conv_query, query);
  add("key", config.stride_kv, conv_key, key);
  add("value", config.stride_kv, conv_value, value);
  dense = torch::nn::Linear(D, D);
  nn::init_linear_(dense);
  register_module("output", std::make_shared<torch::nn::Module>())->register_module("dense", dense);
}

torch::Tensor ConvProjectionAttentionImpl::forward(const torch::Tensor& x, int64_t H, int64_t W) {
  const int64_t prefix = config_.prefix_tokens;
  const auto map = nn::to_nchw(x.narrow(1, prefix, H * W).reshape({x.size(0), H, W, x.size(2)}));
  const auto heads = [&](ConvProjection& conv, torch::nn::Linear& linear) {
    auto tokens = conv->forward(map);
    if (prefix > 0) tokens = torch::cat({x.narrow(1, 0, prefix), tokens}, 1);
    return nn::split_heads(linear->forward(tokens), config_.num_heads);
  };
  const auto y = nn::attend(
      heads(conv_query, query), heads(conv_key, key), heads(conv_value, value),
      {.scale = config_.scale, .dropout = is_training() ? config_.attn_drop : 0.0});  // [B,h,N,d]
  return nn::dropout(dense->forward(nn::merge_heads(y)), config_.proj_drop, is_training());
}

}  // namespace braid::models
