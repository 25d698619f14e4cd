#include "braid/models/vision/transformer/vit_lite.h"

#include "braid/models/validate.h"
#include "braid/models/vision/inputs.h"

namespace braid::models {

void ViTLiteConfig::visit(FieldVisitor& v) {
  v.field("num_classes", num_classes, "classes, 0: no classifier");
  v.field("in_chans", in_chans, "input channels");
  v.field("img_size", img_size, "pixels along one side");
  v.field("patch_size", patch_size, "pixels along one side of a patch");
  v.field("embed_dim", embed_dim, "channels of a token");
  v.field("depth", depth, "blocks");
  v.field("num_heads", num_heads, "attention heads");
  v.field("mlp_ratio", mlp_ratio, "hidden channels of the feed-forward part per channel");
  v.field("drop_rate", drop_rate, "dropout, 0: none");
  v.field("attn_drop_rate", attn_drop_rate, "dropout of attention weights, 0: none");
  v.field("drop_path_rate", drop_path_rate, "stochastic depth of the last block, 0: none");
}

ViTLite::ViTLite(const ViTLiteConfig& config) : ModelOf(config) {
  Validator("vit_lite")
      .input(config.num_classes, config.in_chans, config.img_size)
      .positive("patch_size", config.patch_size)
      .depth("depth", config.depth)
      .divides("num_heads", config.num_heads, "embed_dim", config.embed_dim)
      .ratio("mlp_ratio", config.mlp_ratio, config.embed_dim)
      .rate("drop_rate", config.drop_rate)
      .rate("attn_drop_rate", config.attn_drop_rate)
      .rate("drop_path_rate", config.drop_path_rate);
  build({.in_chs = config.in_chans,
         .embed_dim = config.embed_dim,
         .kernel_size = config.patch_size,
         .stride = config.patch_size,
         .padding = 0,
         .conv_bias = true,
         .relu = false,
         .max_pool = false},
        {.num_classes = config.num_classes,
         .embed_dim = config.embed_dim,
         .depth = config.depth,
         .num_heads = config.num_heads,
         .mlp_ratio = config.mlp_ratio,
         .seq_pool = false,
         .drop_rate = config.drop_rate,
         .attn_drop_rate = config.attn_drop_rate,
         .drop_path_rate = config.drop_path_rate},
        config.img_size, config.patch_size, config.patch_size);
}

void add_vit_lite(Registry& table) {
  const auto add = [&table](const char* name, const ViTLiteConfig& config) {
    table.add(make_entry<ViTLite>(name, Family::kTransformer, Fusion::kNone,
                                  small_image_input(config.img_size), config));
  };
  add("vit_lite_2_4_32", {.embed_dim = 128, .depth = 2, .num_heads = 2, .mlp_ratio = 1.0});
  add("vit_lite_7_4_32", {});
}

}  // namespace braid::models
