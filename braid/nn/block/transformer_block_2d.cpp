#include "braid/nn/block/transformer_block_2d.h"

#include "braid/nn/attention/self_attention.h"
#include "braid/nn/basic/init.h"
#include "braid/nn/basic/init_layers.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/conv/conv.h"
#include "braid/nn/conv/downsample.h"
#include "braid/nn/mlp/mlp.h"

namespace braid::nn {

using torch::Tensor;

TransformerBlock2dImpl::TransformerBlock2dImpl(const TransformerBlock2dConfig& config)
    : PreNormBlockImpl({.drop_path = config.drop_path, .parts_see = MapLayout::kNhwc}) {
  const int64_t in = config.dim, out = config.dim_out;
  const bool strided = config.stride == 2;
  if (strided || in != out) {
    Downsample2d shortcut(Downsample2dConfig{
        .dim = in, .dim_out = out, .stride = config.stride, .bias = config.shortcut_bias});
    add(mixer.shortcut, "shortcut", {shortcut, [shortcut](const Tensor& x) mutable {
                                       return to_nhwc(shortcut->forward(to_nchw(x)));
                                     }});
  }
  add(mixer.norm, strided ? "norm1.norm" : "norm1", layer_norm(in, config.norm_eps));
  SelfAttention attention(SelfAttentionConfig{.dim = in,
                                              .dim_out = out,
                                              .num_heads = in / config.dim_head,
                                              .qkv_bias = true,
                                              .qkv_order = QkvOrder::kHeadsFirst,
                                              .layout = WeightLayout::kConv1x1,
                                              .init = ProjectionInit::kXavier,
                                              .position = {.type = config.rel_pos_type,
                                                           .grid_size = config.feat_size,
                                                           .hidden_dim = config.rel_pos_dim,
                                                           .key = "rel_pos"},
                                              .attn_drop = config.attn_drop,
                                              .proj_drop = config.proj_drop});
  add(mixer.layer, "attn", {attention, [attention, strided](const Tensor& x) mutable {
                              return attention->forward(strided ? to_nhwc(halve(to_nchw(x))) : x);
                            }});
  const auto hidden = static_cast<int64_t>(static_cast<double>(out) * config.expand_ratio);
  add(mlp.norm, "norm2", layer_norm(out, config.norm_eps));
  add(mlp.layer, "mlp",
      Mlp(MlpConfig{.in_features = out,
                    .hidden_features = hidden,
                    .act = config.act,
                    .drop = config.proj_drop,
                    .drop_out = 0.0,
                    .layout = WeightLayout::kConv1x1,
                    .init = MlpInit::kEfficientNet}));
  init_transformer_(*this);
}

}  // namespace braid::nn
