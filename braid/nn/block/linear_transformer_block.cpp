#include "braid/nn/block/linear_transformer_block.h"

#include "braid/nn/attention/separable_self_attention.h"
#include "braid/nn/conv/conv.h"
#include "braid/nn/mlp/mlp.h"

namespace braid::nn {

LinearTransformerBlockImpl::LinearTransformerBlockImpl(const LinearTransformerBlockConfig& config)
    : PreNormBlockImpl({.drop_path = config.drop_path}) {
  const int64_t D = config.dim;
  const auto hidden = static_cast<int64_t>(static_cast<double>(D) * config.mlp_ratio);
  const auto add_norm = [&](AnyLayer& part, const char* key) {
    torch::nn::GroupNorm norm(1, D);
    add(part, key, {norm, [norm](const torch::Tensor& x) mutable { return sample_norm(norm, x); }});
  };
  add_norm(mixer.norm, "norm1");
  add(mixer.layer, "attn",
      SeparableSelfAttention(SeparableSelfAttentionConfig{
          .dim = D, .attn_drop = config.attn_drop, .proj_drop = config.proj_drop}));
  add_norm(mlp.norm, "norm2");
  add(mlp.layer, "mlp",
      Mlp(MlpConfig{.in_features = D,
                    .hidden_features = hidden,
                    .act = config.act,
                    .drop = config.proj_drop,
                    .drop_out = 0.0,
                    .layout = WeightLayout::kConv1x1,
                    .init = MlpInit::kEfficientNet}));
}

torch::Tensor sample_norm(torch::nn::GroupNorm& norm, const torch::Tensor& x) {
  return to_nhwc(norm->forward(to_nchw(x)));
}

}  // namespace braid::nn
