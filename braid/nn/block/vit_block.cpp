#include "braid/nn/block/vit_block.h"

#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/norm.h"

namespace braid::nn {

ViTBlockImpl::ViTBlockImpl(const ViTBlockConfig& config) : drop_path_(config.drop_path) {
  const int64_t D = config.dim;
  norm1 = register_module("norm1", layer_norm(D, config.norm_eps));
  attn = register_module("attn", Attention(AttentionConfig{.dim = D,
                                                           .num_heads = config.num_heads,
                                                           .qkv_bias = config.qkv_bias,
                                                           .attn_drop = config.attn_drop,
                                                           .proj_drop = config.proj_drop}));
  norm2 = register_module("norm2", layer_norm(D, config.norm_eps));
  const auto hidden = static_cast<int64_t>(static_cast<double>(D) * config.mlp_ratio);
  mlp = register_module("mlp", Mlp(MlpConfig{.in_features = D,
                                             .hidden_features = hidden,
                                             .act = config.act,
                                             .drop = config.proj_drop}));
  if (config.init_values == 0) return;
  ls1 = register_module("ls1", LayerScale(D, config.init_values));
  ls2 = register_module("ls2", LayerScale(D, config.init_values));
}

torch::Tensor ViTBlockImpl::forward(const torch::Tensor& tokens) {
  auto y = attn->forward(norm1->forward(tokens));
  const auto x = tokens + drop_path(ls1 ? ls1->forward(y) : y, drop_path_, is_training());
  y = mlp->forward(norm2->forward(x));
  return x + drop_path(ls2 ? ls2->forward(y) : y, drop_path_, is_training());
}

}  // namespace braid::nn
