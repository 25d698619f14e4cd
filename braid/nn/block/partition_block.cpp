#include "braid/nn/block/partition_block.h"

#include "braid/nn/basic/init.h"
#include "braid/nn/basic/init_layers.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/mlp/mlp.h"

namespace braid::nn {

PartitionBlockImpl::PartitionBlockImpl(const PartitionBlockConfig& config)
    : PreNormBlockImpl({.drop_path = config.drop_path, .parts_see = MapLayout::kNhwc}) {
  const int64_t dim = config.dim;
  const auto hidden = static_cast<int64_t>(static_cast<double>(dim) * config.expand_ratio);
  const SelfAttentionConfig attention{
      .dim = dim,
      .num_heads = dim / config.dim_head,
      .qkv_bias = true,
      .qkv_order = config.qkv_order,
      .init = ProjectionInit::kXavier,
      .position = {.type = config.rel_pos_type, .hidden_dim = config.rel_pos_dim, .key = "rel_pos"},
      .attn_drop = config.attn_drop,
      .proj_drop = config.proj_drop};
  add(mixer.norm, "norm1", layer_norm(dim, config.norm_eps));
  add(mixer.layer, "attn", PartitionAttention(attention, config.partition, config.size));
  add(mlp.norm, "norm2", layer_norm(dim, config.norm_eps));
  add(mlp.layer, "mlp",
      Mlp(MlpConfig{.in_features = dim,
                    .hidden_features = hidden,
                    .act = config.act,
                    .drop = config.proj_drop}));
  init_transformer_(*this);
}

}  // namespace braid::nn
