#include "braid/models/vision/hybrid/cct.h"

#include <algorithm>

#include "braid/models/validate.h"
#include "braid/models/vision/inputs.h"

namespace braid::models {

void CCTConfig::visit(FieldVisitor& v) {
  v.field("num_classes", num_classes, "classes, 0: no classifier");
  v.field("in_chans", in_chans, "input channels");
  v.field("img_size", img_size, "pixels along one side");
  v.field("conv_layers", conv_layers, "convolutions of the tokenizer, each followed by a pooling");
  v.field("kernel_size", kernel_size, "kernel of these convolutions, pixels");
  v.field("embed_dim", embed_dim, "channels of a token");
  v.field("depth", depth, "blocks");
  v.field("num_heads", num_heads, "attention heads");
  v.field("mlp_ratio", mlp_ratio, "hidden channels of the feed-forward part per channel");
  v.field("drop_rate", drop_rate, "dropout, 0: none");
  v.field("attn_drop_rate", attn_drop_rate, "dropout of attention weights, 0: none");
  v.field("drop_path_rate", drop_path_rate, "stochastic depth of the last block, 0: none");
}

CCT::CCT(const CCTConfig& config) : ModelOf(config) {
  Validator("cct")
      .input(config.num_classes, config.in_chans, config.img_size)
      .positive("conv_layers", config.conv_layers)
      .stages("conv_layers", static_cast<size_t>(config.conv_layers))
      .positive("kernel_size", config.kernel_size)
      .depth("depth", config.depth)
      .divides("num_heads", config.num_heads, "embed_dim", config.embed_dim)
      .ratio("mlp_ratio", config.mlp_ratio, config.embed_dim)
      .rate("drop_rate", config.drop_rate)
      .rate("attn_drop_rate", config.attn_drop_rate)
      .rate("drop_path_rate", config.drop_path_rate);
  const int64_t stride = std::max<int64_t>(1, config.kernel_size / 2 - 1);
  int64_t reduction = 1;
  for (int64_t i = 0; i < config.conv_layers; ++i) reduction *= 2 * stride;
  build({.in_chs = config.in_chans,
         .embed_dim = config.embed_dim,
         .conv_layers = config.conv_layers,
         .kernel_size = config.kernel_size,
         .stride = stride,
         .padding = std::max<int64_t>(1, config.kernel_size / 2)},
        {.num_classes = config.num_classes,
         .embed_dim = config.embed_dim,
         .depth = config.depth,
         .num_heads = config.num_heads,
         .mlp_ratio = config.mlp_ratio,
         .seq_pool = true,
         .drop_rate = config.drop_rate,
         .attn_drop_rate = config.attn_drop_rate,
         .drop_path_rate = config.drop_path_rate},
        config.img_size, /*patch=*/0, reduction);
}

void add_cct(Registry& table) {
  const auto add = [&table](const char* name, const data::InputConfig& input,
                            const CCTConfig& config) {
    table.add(make_entry<CCT>(name, Family::kHybrid, Fusion::kSerial, input, config));
  };
  add("cct_2_3x2_32", small_image_input(32),
      {.conv_layers = 2, .embed_dim = 128, .depth = 2, .num_heads = 2, .mlp_ratio = 1.0});
  add("cct_7_3x1_32", small_image_input(32), {});
  add("cct_14_7x2_224", imagenet_input(224, 0.9),
      {.img_size = 224,
       .conv_layers = 2,
       .kernel_size = 7,
       .embed_dim = 384,
       .depth = 14,
       .num_heads = 6,
       .mlp_ratio = 3.0});
}

}  // namespace braid::models
