#include "braid/models/transformer/vit.h"

#include "braid/models/inputs.h"
#include "braid/models/layer_ids.h"
#include "braid/models/validate.h"
#include "braid/nn/checkpoint.h"
#include "braid/nn/drop_path.h"
#include "braid/nn/init.h"
#include "braid/nn/norm.h"
#include "braid/nn/position.h"

namespace braid::models {
void ViTConfig::visit(FieldVisitor& v) {
  v.field("num_classes", num_classes, "classes, 0: no classifier");
  v.field("in_chans", in_chans, "input channels");
  v.field("img_size", img_size, "pixels along one side");
  v.field("patch_size", patch_size, "pixels along one side of a patch");
  v.field("embed_dim", embed_dim, "channels of a token");
  v.field("depth", depth, "blocks");
  v.field("num_heads", num_heads, "attention heads");
  v.field("mlp_ratio", mlp_ratio, "hidden channels of the feed-forward part per channel");
  v.field("distilled", distilled, "with a distillation token and head");
  v.field("drop_rate", drop_rate, "dropout before the classifier, 0: none");
  v.field("proj_drop_rate", proj_drop_rate, "dropout of projections, 0: none");
  v.field("attn_drop_rate", attn_drop_rate, "dropout of attention weights, 0: none");
  v.field("drop_path_rate", drop_path_rate, "stochastic depth of the last block, 0: none");
}

ViTBlockImpl::ViTBlockImpl(const ViTConfig& config, double drop_path_rate)
    : drop_path_(drop_path_rate) {
  const int64_t D = config.embed_dim;
  norm1 = register_module("norm1", nn::layer_norm(D));
  attn = register_module("attn",
                         nn::Attention(nn::AttentionConfig{.dim = D,
                                                           .num_heads = config.num_heads,
                                                           .qkv_bias = true,
                                                           .attn_drop = config.attn_drop_rate,
                                                           .proj_drop = config.proj_drop_rate}));
  norm2 = register_module("norm2", nn::layer_norm(D));
  const auto hidden = static_cast<int64_t>(static_cast<double>(D) * config.mlp_ratio);
  mlp = register_module(
      "mlp", nn::Mlp(nn::MlpConfig{
                 .in_features = D, .hidden_features = hidden, .drop = config.proj_drop_rate}));
}

torch::Tensor ViTBlockImpl::forward(torch::Tensor x) {
  x = x + nn::drop_path(attn->forward(norm1->forward(x)), drop_path_, is_training());
  return x + nn::drop_path(mlp->forward(norm2->forward(x)), drop_path_, is_training());
}

ViTPatchEmbedImpl::ViTPatchEmbedImpl(const ViTConfig& config) : patch_size_(config.patch_size) {
  proj = register_module(
      "proj", torch::nn::Conv2d(
                  torch::nn::Conv2dOptions(config.in_chans, config.embed_dim, config.patch_size)
                      .stride(config.patch_size)));
}

torch::Tensor ViTPatchEmbedImpl::forward(const torch::Tensor& x) {
  return proj->forward(nn::pad_to_patches(x, patch_size_)).flatten(2).transpose(1, 2);
}

ViT::ViT(const ViTConfig& config) : config_(config) {
  Validator("vit")
      .input(config.num_classes, config.in_chans, config.img_size)
      .positive("patch_size", config.patch_size)
      .positive("depth", config.depth)
      .divides("num_heads", config.num_heads, "embed_dim", config.embed_dim)
      .rate("drop_rate", config.drop_rate)
      .rate("proj_drop_rate", config.proj_drop_rate)
      .rate("attn_drop_rate", config.attn_drop_rate)
      .rate("drop_path_rate", config.drop_path_rate);
  const int64_t D = config.embed_dim;
  cls_token = register_parameter("cls_token", torch::randn({1, 1, D}) * 1e-6);
  if (config.distilled) {
    dist_token = register_parameter("dist_token", torch::zeros({1, 1, D}));
    nn::trunc_normal_(dist_token, 0.02);
  }
  pos_embed =
      register_parameter("pos_embed", torch::zeros({1, side() * side() + prefix_tokens(), D}));
  nn::trunc_normal_(pos_embed, 0.02);
  patch_embed = register_module("patch_embed", ViTPatchEmbed(config));
  for (const double rate : nn::drop_path_rates(config.drop_path_rate, config.depth))
    blocks->push_back(ViTBlock(config, rate));
  register_module("blocks", blocks);
  norm = register_module("norm", nn::layer_norm(D));
  reset_classifier(config.num_classes);
}

torch::Tensor ViT::forward_features(const torch::Tensor& x) {
  auto tokens = patch_embed->forward(x);  // [B,N,D]
  std::vector<torch::Tensor> parts = {cls_token.expand({x.size(0), -1, -1}).to(tokens.dtype())};
  if (config_.distilled) parts.push_back(dist_token.expand({x.size(0), -1, -1}).to(tokens.dtype()));
  parts.push_back(tokens);
  tokens = torch::cat(parts, 1) + pos_embed;  // [B,prefix+N,D]
  for (const auto& module : *blocks) {
    ViTBlock block(std::dynamic_pointer_cast<ViTBlockImpl>(module));
    tokens = nn::maybe_checkpoint(checkpointing(), block, tokens);
  }
  return norm->forward(tokens);
}

torch::Tensor ViT::forward_head(const torch::Tensor& features, bool pre_logits) {
  const auto cls = features.select(1, 0);  // [B,D]
  if (!config_.distilled) {
    if (pre_logits || !head) return cls;
    return head->forward(torch::dropout(cls, config_.drop_rate, is_training()));
  }
  const auto dist = features.select(1, 1);  // [B,D]
  if (pre_logits || !head) return (cls + dist) / 2;
  return (head->forward(torch::dropout(cls, config_.drop_rate, is_training())) +
          head_dist->forward(torch::dropout(dist, config_.drop_rate, is_training()))) /
         2;
}

std::pair<torch::Tensor, torch::Tensor> ViT::forward_distilled(const torch::Tensor& x) {
  const auto features = forward_features(x);
  if (!config_.distilled || !head) return {forward_head(features, false), torch::Tensor()};
  return {
      head->forward(torch::dropout(features.select(1, 0), config_.drop_rate, is_training())),
      head_dist->forward(torch::dropout(features.select(1, 1), config_.drop_rate, is_training()))};
}

std::vector<FeatureInfo> ViT::feature_info() const {
  std::vector<FeatureInfo> info;
  for (int64_t i = 0; i < config_.depth; ++i)
    info.push_back({"blocks." + std::to_string(i), config_.embed_dim, config_.patch_size});
  return info;
}

void ViT::reset_classifier(int64_t num_classes) {
  config_.num_classes = num_classes;
  const auto replace = [&](const char* name, torch::nn::Linear& linear) {
    if (linear) unregister_module(name);
    linear = nullptr;
    if (num_classes == 0) return;
    linear = register_module(name, torch::nn::Linear(config_.embed_dim, num_classes));
    nn::init_linear_(linear);
  };
  replace("head", head);
  if (config_.distilled) replace("head_dist", head_dist);
}

std::vector<std::string> ViT::classifier() const {
  if (config_.distilled) return {"head", "head_dist"};
  return {"head"};
}

std::vector<std::string> ViT::no_weight_decay() const {
  if (config_.distilled) return {"pos_embed", "cls_token", "dist_token"};
  return {"pos_embed", "cls_token"};
}

int64_t ViT::layer_id(const std::string& parameter) const {
  if (parameter == "cls_token" || parameter == "dist_token" || parameter == "pos_embed" ||
      parameter.starts_with("patch_embed."))
    return 0;
  return block_index(parameter, "blocks.", config_.depth) + 1;
}

torch::Tensor ViT::fit_weight(const std::string& name, const torch::Tensor& loaded) const {
  if (name != "pos_embed" || loaded.dim() != 3) return loaded;
  return nn::resample_position_embedding(loaded, side(), prefix_tokens());
}

void add_vit(Registry& table) {
  const auto add = [&table](const char* name, const data::InputConfig& input,
                            const ViTConfig& config) {
    table.push_back(make_entry<ViT>(name, Family::kTransformer, Fusion::kNone, input, config));
  };
  add("vit_tiny_patch16_224", inception_input(224, 0.9), {});
  add("deit_tiny_patch16_224", imagenet_input(224, 0.9), {});
  add("deit_tiny_distilled_patch16_224", imagenet_input(224, 0.9), {.distilled = true});
}

}  // namespace braid::models
