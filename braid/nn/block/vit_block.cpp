#include "braid/nn/block/vit_block.h"

#include "braid/nn/attention/self_attention.h"
#include "braid/nn/basic/layer_scale.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/mlp/mlp.h"

namespace braid::nn {

ViTBlockImpl::ViTBlockImpl(const ViTBlockConfig& config)
    : PreNormBlockImpl({.drop_path = config.drop_path}) {
  const int64_t D = config.dim;
  const auto hidden = static_cast<int64_t>(static_cast<double>(D) * config.mlp_ratio);
  add(mixer.norm, "norm1", layer_norm(D, config.norm_eps));
  add(mixer.layer, "attn",
      SelfAttention(SelfAttentionConfig{.dim = D,
                                        .num_heads = config.num_heads,
                                        .qkv_bias = config.qkv_bias,
                                        .attn_drop = config.attn_drop,
                                        .proj_drop = config.proj_drop}));
  add(mlp.norm, "norm2", layer_norm(D, config.norm_eps));
  add(mlp.layer, "mlp",
      Mlp(MlpConfig{.in_features = D,
                    .hidden_features = hidden,
                    .act = config.act,
                    .drop = config.proj_drop}));
  if (config.init_values == 0) return;
  add(mixer.scale, "ls1", LayerScale(D, config.init_values));
  add(mlp.scale, "ls2", LayerScale(D, config.init_values));
}

}  // namespace braid::nn
