#include "braid/models/vision/mobile_attention.h"

#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/dropout.h"
#include "braid/nn/basic/norm.h"

namespace braid::models {
namespace {

template <class Layer>
Layer xavier_drawn(Layer layer) {
  torch::nn::init::xavier_uniform_(layer->weight);
  return layer;
}

nn::Pointwise key_product(int64_t in, int64_t out) {
  return xavier_drawn(nn::Pointwise(nn::PointwiseConfig{.in_features = in,
                                                        .out_features = out,
                                                        .layout = nn::WeightLayout::kConv1x1,
                                                        .bias = false,
                                                        .init = nn::PointwiseInit::kEfficientNet}));
}

}  // namespace

MultiQueryAttention2dImpl::MultiQueryAttention2dImpl(const MultiQueryAttentionConfig& config)
    : config_(config) {
  const int64_t width = config.num_heads * config.key_dim;
  query_ = register_module("query", std::make_shared<torch::nn::Module>())
               ->register_module("proj", key_product(config.dim, width));
  key_ = make_projection("key");
  value_ = make_projection("value");
  output_ = register_module("output", std::make_shared<torch::nn::Module>())
                ->register_module("proj", key_product(width, config.dim_out));
}

MultiQueryAttention2dImpl::Projection MultiQueryAttention2dImpl::make_projection(const char* key) {
  const int64_t C = config_.dim;
  auto parent = register_module(key, std::make_shared<torch::nn::Module>());
  Projection part;
  if (config_.kv_stride > 1) {
    const nn::ConvOptions options{
        .kernel_size = config_.dw_kernel_size, .stride = config_.kv_stride, .groups = C};
    part.down_conv = parent->register_module("down_conv", xavier_drawn(nn::conv2d(C, C, options)));
    part.norm = parent->register_module("norm", nn::batch_norm(C));
  }
  part.proj = parent->register_module("proj", key_product(C, config_.key_dim));
  return part;
}

torch::Tensor MultiQueryAttention2dImpl::project(Projection& part, const torch::Tensor& x) {
  const auto map = part.down_conv ? part.norm->forward(nn::convolve(part.down_conv, x)) : x;
  return part.proj->forward(nn::to_nhwc(map)).view({x.size(0), 1, -1, config_.key_dim});
}

torch::Tensor MultiQueryAttention2dImpl::forward(const torch::Tensor& x) {
  const int64_t B = x.size(0), H = x.size(2), W = x.size(3), width = query_->weight.size(0);
  // All heads meet the same keys and values, so that their queries can stand in one row.
  const auto query =
      query_->forward(nn::to_nhwc(x)).view({B, 1, -1, config_.key_dim});  // [B,1,Nh,d]
  auto y = nn::attend(query, project(key_, x), project(value_, x),
                      {.dropout = is_training() ? config_.attn_drop : 0.0});  // [B,1,Nh,d]
  y = output_->forward(y.reshape({B, H, W, width}));                          // [B,H,W,C']
  return nn::dropout(nn::to_nchw(y), config_.proj_drop, is_training());
}

MobileAttentionImpl::MobileAttentionImpl(const MobileAttentionConfig& config)
    : skip_(config.attn.dim == config.attn.dim_out), drop_path_(config.drop_path) {
  norm_ = register_module("norm", nn::batch_norm(config.attn.dim));
  attn_ = register_module("attn", MultiQueryAttention2d(config.attn));
  if (config.layer_scale_init_value)
    layer_scale_ = register_module(
        "layer_scale", nn::LayerScale2d(config.attn.dim_out, *config.layer_scale_init_value));
}

torch::Tensor MobileAttentionImpl::forward(const torch::Tensor& x) {
  auto y = attn_->forward(norm_->forward(x));
  if (layer_scale_) y = layer_scale_->forward(y);
  return skip_ ? x + nn::drop_path(y, drop_path_, is_training()) : y;
}

}  // namespace braid::models
