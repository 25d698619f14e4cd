#include "braid/models/vision/transformer/vit.h"

#include "braid/models/validate.h"
#include "braid/models/vision/inputs.h"
#include "braid/nn/basic/pad.h"

namespace braid::models {
namespace {

VisionTransformerConfig body_of(const ViTConfig& config) {
  Validator("vit")
      .input(config.num_classes, config.in_chans, config.img_size)
      .positive("patch_size", config.patch_size);
  return {.num_classes = config.num_classes,
          .grid_size = (config.img_size + config.patch_size - 1) / config.patch_size,
          .reduction = config.patch_size,
          .embed_dim = config.embed_dim,
          .depth = config.depth,
          .num_heads = config.num_heads,
          .mlp_ratio = config.mlp_ratio,
          .init_values = config.init_values,
          .class_token = config.class_token,
          .no_embed_class = config.no_embed_class,
          .distilled = config.distilled,
          .drop_rate = config.drop_rate,
          .proj_drop_rate = config.proj_drop_rate,
          .attn_drop_rate = config.attn_drop_rate,
          .drop_path_rate = config.drop_path_rate};
}

}  // namespace

void ViTConfig::visit(FieldVisitor& v) {
  v.field("num_classes", num_classes, "classes, 0: no classifier");
  v.field("in_chans", in_chans, "input channels");
  v.field("img_size", img_size, "pixels along one side");
  v.field("patch_size", patch_size, "pixels along one side of a patch");
  v.field("embed_dim", embed_dim, "channels of a token");
  v.field("depth", depth, "blocks");
  v.field("num_heads", num_heads, "attention heads");
  v.field("mlp_ratio", mlp_ratio, "hidden channels of the feed-forward part per channel");
  v.field("init_values", init_values, "where the layer scales start, 0: no layer scales");
  v.field("class_token", class_token,
          "with a class token; without: the tokens' mean is classified");
  v.field("no_embed_class", no_embed_class, "positions of the grid alone, none of the class token");
  v.field("distilled", distilled, "with a distillation token and head");
  v.field("drop_rate", drop_rate, "dropout before the classifier, 0: none");
  v.field("proj_drop_rate", proj_drop_rate, "dropout of projections, 0: none");
  v.field("attn_drop_rate", attn_drop_rate, "dropout of attention weights, 0: none");
  v.field("drop_path_rate", drop_path_rate, "stochastic depth of the last block, 0: none");
}

ViTPatchEmbedImpl::ViTPatchEmbedImpl(const ViTConfig& config) : patch_size_(config.patch_size) {
  proj = register_module(
      "proj", torch::nn::Conv2d(
                  torch::nn::Conv2dOptions(config.in_chans, config.embed_dim, config.patch_size)
                      .stride(config.patch_size)));
}

torch::Tensor ViTPatchEmbedImpl::forward(const torch::Tensor& x) {
  const auto whole = nn::pad_to_multiple(x, patch_size_);
  if (is_training() && x.is_cpu()) return project_patches(whole);
  return proj->forward(whole).flatten(2).transpose(1, 2);
}

torch::Tensor ViTPatchEmbedImpl::project_patches(const torch::Tensor& x) {
  const int64_t B = x.size(0), C = x.size(1), p = patch_size_;
  const auto patches = x.reshape({B, C, x.size(2) / p, p, x.size(3) / p, p})
                           .permute({0, 2, 4, 1, 3, 5})  // [B,h,w,C,p,p]
                           .reshape({B, -1, C * p * p});
  return at::linear(patches, proj->weight.flatten(1), proj->bias);
}

ViT::ViT(const ViTConfig& config) : ModelOf(config, "vit", body_of(config)) {
  patch_embed = register_module("patch_embed", ViTPatchEmbed(config));
}

void add_vit(Registry& table) {
  const auto add = [&table](const char* name, const data::InputConfig& input,
                            const ViTConfig& config) {
    table.add(make_entry<ViT>(name, Family::kTransformer, Fusion::kNone, input, config));
  };
  add("vit_tiny_patch16_224", inception_input(224, 0.9), {});
  add("vit_small_patch16_224", inception_input(224, 0.9), {.embed_dim = 384, .num_heads = 6});
  add("vit_base_patch16_224", inception_input(224, 0.9), {.embed_dim = 768, .num_heads = 12});
  // For small images: no class token, as in timm's vit_*_gap_*.
  const auto add_gap = [&](const char* name, const data::InputConfig& input, int64_t patch_size,
                           int64_t embed_dim, int64_t depth) {
    add(name, input,
        {.img_size = input.height,
         .patch_size = patch_size,
         .embed_dim = embed_dim,
         .depth = depth,
         .num_heads = embed_dim / 32,
         .mlp_ratio = 2.0,
         .class_token = false});
  };
  add_gap("vit_nano_patch7_gap_28", small_image_input(28), 7, 128, 2);
  add_gap("vit_nano_patch4_gap_32", small_image_input(32), 4, 128, 2);
  add_gap("vit_micro_patch4_gap_32", small_image_input(32), 4, 192, 6);
  add_gap("vit_nano_patch8_gap_64", inception_input(64, 1.0), 8, 128, 2);
  add("deit_tiny_patch16_224", imagenet_input(224, 0.9), {});
  add("deit_tiny_distilled_patch16_224", imagenet_input(224, 0.9), {.distilled = true});
  add("deit_small_patch16_224", imagenet_input(224, 0.9), {.embed_dim = 384, .num_heads = 6});
  add("deit_small_distilled_patch16_224", imagenet_input(224, 0.9),
      {.embed_dim = 384, .num_heads = 6, .distilled = true});
  add("deit3_small_patch16_224", imagenet_input(224, 0.9),
      {.embed_dim = 384, .num_heads = 6, .init_values = 1e-6, .no_embed_class = true});
}

}  // namespace braid::models
