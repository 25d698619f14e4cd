#include "braid/models/vision/vision_transformer.h"

#include "braid/models/layer_ids.h"
#include "braid/models/validate.h"
#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/dropout.h"
#include "braid/nn/basic/init.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/basic/norm_for_product.h"
#include "braid/nn/block/vit_block.h"
#include "braid/nn/head/replace_head.h"
#include "braid/nn/position/position.h"
#include "braid/ops/global_avg_pool.h"

namespace braid::models {

VisionTransformer::VisionTransformer(const char* model, const VisionTransformerConfig& body)
    : model_(model), body_(body) {
  Validator(model)
      .depth("depth", body.depth)
      .divides("num_heads", body.num_heads, "embed_dim", body.embed_dim)
      .ratio("mlp_ratio", body.mlp_ratio, body.embed_dim)
      .rate("drop_rate", body.drop_rate)
      .rate("proj_drop_rate", body.proj_drop_rate)
      .rate("attn_drop_rate", body.attn_drop_rate)
      .rate("drop_path_rate", body.drop_path_rate);
  if (body.distilled && !body.class_token)
    Validator(model).fail("expected class_token with distilled, got none");
  const int64_t D = body.embed_dim;
  if (body.class_token) cls_token = register_parameter("cls_token", torch::randn({1, 1, D}) * 1e-6);
  if (body.distilled) {
    dist_token = register_parameter("dist_token", torch::zeros({1, 1, D}));
    nn::trunc_normal_(dist_token, 0.02);
  }
  pos_embed = register_parameter(
      "pos_embed", torch::zeros({1, body.grid_size * body.grid_size + embedded_prefix(), D}));
  nn::trunc_normal_(pos_embed, 0.02);
  for (const double rate : nn::drop_path_rates(body.drop_path_rate, body.depth))
    blocks->push_back(nn::ViTBlock(nn::ViTBlockConfig{.dim = D,
                                                      .num_heads = body.num_heads,
                                                      .mlp_ratio = body.mlp_ratio,
                                                      .init_values = body.init_values,
                                                      .attn_drop = body.attn_drop_rate,
                                                      .proj_drop = body.proj_drop_rate,
                                                      .drop_path = rate}));
  register_module("blocks", blocks);
  norm = register_module(body.class_token ? "norm" : "fc_norm", nn::layer_norm(D));
  VisionTransformer::replace_head(body.num_classes);
}

torch::Tensor VisionTransformer::forward_features(const torch::Tensor& x) {
  auto tokens = embed(x);  // [B,N,D]
  expect_img_size(model_, x, img_size(), tokens, body_.grid_size);
  if (!body_.class_token) return blocks->forward(tokens + pos_embed, checkpointing());
  if (body_.no_embed_class) tokens = tokens + pos_embed;
  std::vector<torch::Tensor> parts = {cls_token.expand({x.size(0), -1, -1}).to(tokens.dtype())};
  if (body_.distilled) parts.push_back(dist_token.expand({x.size(0), -1, -1}).to(tokens.dtype()));
  parts.push_back(tokens);
  tokens = torch::cat(parts, 1);  // [B,prefix+N,D]
  if (!body_.no_embed_class) tokens = tokens + pos_embed;
  return nn::trained_norm(norm, blocks->forward(tokens, checkpointing()));
}

torch::Tensor VisionTransformer::forward_head(const torch::Tensor& features, bool pre_logits) {
  auto cls = body_.class_token ? features.select(1, 0)
                               : norm->forward(ops::global_avg_pool(features));  // [B,D]
  if (!body_.distilled) {
    if (pre_logits || !head) return cls;
    return head->forward(nn::dropout(cls, body_.drop_rate, is_training()));
  }
  const auto dist = features.select(1, 1);  // [B,D]
  if (pre_logits || !head) return (cls + dist) / 2;
  return (head->forward(nn::dropout(cls, body_.drop_rate, is_training())) +
          head_dist->forward(nn::dropout(dist, body_.drop_rate, is_training()))) /
         2;
}

std::pair<torch::Tensor, torch::Tensor> VisionTransformer::forward_distilled(
    const torch::Tensor& x) {
  const auto features = forward_features(x);
  if (!body_.distilled || !head) return {forward_head(features, false), torch::Tensor()};
  return {head->forward(nn::dropout(features.select(1, 0), body_.drop_rate, is_training())),
          head_dist->forward(nn::dropout(features.select(1, 1), body_.drop_rate, is_training()))};
}

std::vector<FeatureInfo> VisionTransformer::feature_info() const {
  std::vector<FeatureInfo> info;
  for (int64_t i = 0; i < body_.depth; ++i)
    info.push_back({"blocks." + std::to_string(i), body_.embed_dim, body_.reduction});
  return info;
}

void VisionTransformer::replace_head(int64_t num_classes) {
  const auto fresh = [&] { return nn::new_head(body_.embed_dim, num_classes, 0.02); };
  nn::replace_head(*this, "head", head, fresh());
  if (body_.distilled) nn::replace_head(*this, "head_dist", head_dist, fresh());
}

std::vector<std::string> VisionTransformer::head_modules() const {
  if (body_.distilled) return {"head", "head_dist"};
  return {"head"};
}

std::vector<std::string> VisionTransformer::no_weight_decay() const {
  if (body_.distilled) return {"pos_embed", "cls_token", "dist_token"};
  if (!body_.class_token) return {"pos_embed"};
  return {"pos_embed", "cls_token"};
}

int64_t VisionTransformer::layer_id(const std::string& parameter) const {
  if (parameter == "cls_token" || parameter == "dist_token" || parameter == "pos_embed" ||
      parameter.starts_with("patch_embed."))
    return 0;
  return block_index(parameter, "blocks.", body_.depth) + 1;
}

torch::Tensor VisionTransformer::resample_weight(const std::string& name,
                                                 const torch::Tensor& loaded) const {
  if (name != "pos_embed" || loaded.dim() != 3) return loaded;
  return nn::resample_position_embedding(loaded, body_.grid_size, embedded_prefix());
}

}  // namespace braid::models
