#include "braid/nn/block/transformer_block_2d.h"

#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/init.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/conv/conv.h"

namespace braid::nn {

TransformerBlock2dImpl::TransformerBlock2dImpl(const TransformerBlock2dConfig& config)
    : config_(config) {
  const int64_t in = config.dim, out = config.dim_out;
  norm1_ = layer_norm(in, config.norm_eps);
  if (config.stride == 2 || in != out)
    shortcut_ = register_module(
        "shortcut",
        Downsample2d(Downsample2dConfig{
            .dim = in, .dim_out = out, .stride = config.stride, .bias = config.shortcut_bias}));
  if (config.stride == 2)
    register_module("norm1", std::make_shared<torch::nn::Module>())
        ->register_module("norm", norm1_);
  else
    register_module("norm1", norm1_);
  attn_ = register_module(
      "attn", RelativeAttention(RelativeAttentionConfig{.dim = in,
                                                        .dim_out = out,
                                                        .dim_head = config.dim_head,
                                                        .side = config.side,
                                                        .rel_pos_type = config.rel_pos_type,
                                                        .rel_pos_dim = config.rel_pos_dim,
                                                        .layout = WeightLayout::kConv1x1,
                                                        .attn_drop = config.attn_drop,
                                                        .proj_drop = config.proj_drop}));
  norm2_ = register_module("norm2", layer_norm(out, config.norm_eps));
  const auto hidden = static_cast<int64_t>(static_cast<double>(out) * config.expand_ratio);
  mlp_ = register_module("mlp", Mlp(MlpConfig{.in_features = out,
                                              .hidden_features = hidden,
                                              .act = config.act,
                                              .drop = config.proj_drop,
                                              .drop_out = 0.0,
                                              .layout = WeightLayout::kConv1x1,
                                              .init = MlpInit::kEfficientNet}));
  init_transformer_(*this);
}

torch::Tensor TransformerBlock2dImpl::forward(const torch::Tensor& x) {
  auto y = norm1_->forward(to_nhwc(x));  // [B,H,W,C]
  if (config_.stride == 2) y = to_nhwc(halve(to_nchw(y)));
  const int64_t B = y.size(0), H = y.size(1), W = y.size(2);
  y = attn_->forward(y.reshape({B, H * W, -1})).view({B, H, W, -1});  // [B,H,W,C']
  y = to_nhwc(shortcut_ ? shortcut_->forward(x) : x) +
      drop_path(y, config_.drop_path, is_training());
  return to_nchw(y +
                 drop_path(mlp_->forward(norm2_->forward(y)), config_.drop_path, is_training()));
}

}  // namespace braid::nn
