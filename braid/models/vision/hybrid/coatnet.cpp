#include "braid/models/vision/hybrid/coatnet.h"

#include "braid/models/validate.h"
#include "braid/models/vision/inputs.h"
#include "braid/nn/block/mbconv_block.h"
#include "braid/nn/block/transformer_block_2d.h"

namespace braid::models {
namespace {

MaxxVitLayout layout_of(const CoAtNetConfig& config) {
  return {.model = "coatnet",
          .num_classes = config.num_classes,
          .img_size = config.img_size,
          .stem = {.in_chs = config.in_chans,
                   .out_chs = config.stem_width,
                   .stride = config.stem_stride,
                   .act = nn::Act::kSilu},
          .embed_dim = config.embed_dim,
          .depths = config.depths,
          .drop_rate = config.drop_rate,
          .drop_path_rate = config.drop_path_rate};
}

// What the layout does not hold.
void validate_blocks(const CoAtNetConfig& config) {
  const Validator check("coatnet");
  check.between("stem_stride", config.stem_stride, 1, 2)
      .positive("dim_head", config.dim_head)
      .positive("rel_pos_dim", config.rel_pos_dim)
      .rate("attn_drop_rate", config.attn_drop_rate)
      .rate("proj_drop_rate", config.proj_drop_rate)
      .same_length("depths", config.depths.size(), {{"block_type", config.block_type.size()}})
      .between("expand_ratio", config.expand_ratio, 1.0, 64.0)
      .one_of("conv_attn_act_layer", config.conv_attn_act_layer, {"silu", "relu"})
      .one_of("conv_stride_mode", config.conv_stride_mode, {"pool", "dw"})
      .one_of("rel_pos_type", config.rel_pos_type, {"bias", "mlp"});
  int64_t in = config.stem_width[1];
  for (size_t i = 0; i < config.depths.size(); ++i) {
    const int64_t out = config.embed_dim[i];
    check.one_of("block_type", config.block_type[i], {"C", "T"});
    if (config.block_type[i] == "T") {
      check.divides("dim_head", config.dim_head, "embed_dim", in);
      check.divides("dim_head", config.dim_head, "embed_dim", out);
    }
    in = out;
  }
}

}  // namespace

void CoAtNetConfig::visit(FieldVisitor& v) {
  v.field("num_classes", num_classes, "classes, 0: no classifier");
  v.field("in_chans", in_chans, "input channels");
  v.field("img_size", img_size, "pixels along one side");
  v.field("embed_dim", embed_dim, "channels per stage");
  v.field("depths", depths, "blocks per stage");
  v.field("block_type", block_type, "per stage: C, MBConv, or T, Transformer");
  v.field("stem_width", stem_width, "channels of the stem's two convolutions");
  v.field("stem_stride", stem_stride, "1 or 2");
  v.field("dim_head", dim_head, "channels per attention head");
  v.field("expand_ratio", expand_ratio, "of the blocks' hidden channels");
  v.field("conv_output_bias", conv_output_bias, "bias of MBConv's shortcut and last convolution");
  v.field("conv_pre_norm_act", conv_pre_norm_act, "activation after MBConv's first norm");
  v.field("conv_stride_mode", conv_stride_mode, "what halves the map in MBConv: pool, dw");
  v.field("conv_attn_early", conv_attn_early, "squeeze-and-excitation before MBConv's last norm");
  v.field("conv_attn_act_layer", conv_attn_act_layer, "inside squeeze-and-excitation: silu, relu");
  v.field("shortcut_bias", shortcut_bias, "bias of the Transformer blocks' strided shortcuts");
  v.field("rel_pos_type", rel_pos_type, "of relative positions: bias, mlp");
  v.field("rel_pos_dim", rel_pos_dim, "hidden channels of rel_pos_type mlp");
  v.field("drop_rate", drop_rate, "dropout before the classifier, 0: none");
  v.field("attn_drop_rate", attn_drop_rate, "dropout of attention weights, 0: none");
  v.field("proj_drop_rate", proj_drop_rate, "dropout in the Transformer blocks, 0: none");
  v.field("drop_path_rate", drop_path_rate, "stochastic depth of the last block, 0: none");
}

CoAtNet::CoAtNet(const CoAtNetConfig& config) : ModelOf(config) {
  const auto layout = layout_of(config);
  validate(layout);
  validate_blocks(config);
  build(layout, [this](const MaxxVitPlace& place) { return make_block(place); });
}

std::shared_ptr<nn::BlockImpl> CoAtNet::make_block(const MaxxVitPlace& place) const {
  const auto& c = config_;
  if (c.block_type[place.stage] == "C")
    return std::make_shared<nn::MbConvBlockImpl>(nn::MbConvBlockConfig{
        .in_chs = place.in,
        .out_chs = place.out,
        .stride = place.stride,
        .stride_mode =
            c.conv_stride_mode == "pool" ? nn::StrideMode::kPool : nn::StrideMode::kDepthwise,
        .expand_ratio = c.expand_ratio,
        .expand_output = false,
        .output_bias = c.conv_output_bias,
        .pre_norm_act = c.conv_pre_norm_act,
        .attn_early = c.conv_attn_early,
        .attn_act = nn::parse_act(c.conv_attn_act_layer),
        .act = nn::Act::kSilu,
        .drop_path = place.drop_path});
  return std::make_shared<nn::TransformerBlock2dImpl>(
      nn::TransformerBlock2dConfig{.dim = place.in,
                                   .dim_out = place.out,
                                   .stride = place.stride,
                                   .feat_size = place.feat_size,
                                   .dim_head = c.dim_head,
                                   .expand_ratio = c.expand_ratio,
                                   .shortcut_bias = c.shortcut_bias,
                                   .rel_pos_type = nn::parse_rel_pos_type(c.rel_pos_type),
                                   .rel_pos_dim = c.rel_pos_dim,
                                   .attn_drop = c.attn_drop_rate,
                                   .proj_drop = c.proj_drop_rate,
                                   .drop_path = place.drop_path});
}

void add_coatnet(Registry& table) {
  const auto add = [&table](const char* name, const data::InputConfig& input,
                            const CoAtNetConfig& config) {
    table.add(make_entry<CoAtNet>(name, Family::kHybrid, Fusion::kInterleaved, input, config));
  };
  add("coatnet_nano_rw_224", inception_input(224, 0.9), {});
  add("coatnet_0_rw_224", inception_input(224, 0.95),
      {.embed_dim = {96, 192, 384, 768},
       .depths = {2, 3, 7, 2},
       .conv_output_bias = false,
       .conv_pre_norm_act = true,
       .conv_attn_early = true,
       .conv_attn_act_layer = "relu",
       .shortcut_bias = false});
  add("coatnet_rmlp_1_rw2_224", inception_input(224, 0.95),
      {.embed_dim = {96, 192, 384, 768},
       .depths = {2, 6, 14, 2},
       .conv_output_bias = false,
       .conv_pre_norm_act = true,
       .conv_stride_mode = "dw",
       .conv_attn_act_layer = "relu",
       .rel_pos_type = "mlp"});
  add("coatnet_pico_32", small_image_input(32),
      {.img_size = 32,
       .embed_dim = {64, 128, 256},
       .depths = {2, 4, 2},
       .block_type = {"C", "T", "T"},
       .stem_width = {32, 48},
       .stem_stride = 1});
}

}  // namespace braid::models
