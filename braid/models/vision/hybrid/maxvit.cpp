#include "braid/models/vision/hybrid/maxvit.h"

#include <fmt/format.h>

#include <algorithm>

#include "braid/models/validate.h"
#include "braid/models/vision/inputs.h"

namespace braid::models {
namespace {

nn::Padding padding_of(const MaxVitConfig& config) {
  return config.conv_padding == "same" ? nn::Padding::kSame : nn::Padding::kSymmetric;
}

MaxxVitLayout layout_of(const MaxVitConfig& config) {
  return {.model = "maxvit",
          .num_classes = config.num_classes,
          .img_size = config.img_size,
          .stem = {.in_chs = config.in_chans,
                   .out_chs = config.stem_width,
                   .padding = padding_of(config),
                   .bias = config.stem_bias,
                   .act = nn::parse_act(config.conv_act_layer),
                   .norm_eps = config.conv_norm_eps},
          .embed_dim = config.embed_dim,
          .depths = config.depths,
          .norm_eps = config.norm_eps,
          .head_hidden_size = config.head_hidden_size,
          .drop_rate = config.drop_rate,
          .drop_path_rate = config.drop_path_rate};
}

// What the layout does not hold.
void validate_blocks(const MaxVitConfig& config) {
  const Validator check("maxvit");
  check.positive("partition_ratio", config.partition_ratio)
      .positive("rel_pos_dim", config.rel_pos_dim)
      .rate("attn_drop_rate", config.attn_drop_rate)
      .rate("proj_drop_rate", config.proj_drop_rate)
      .between("head_hidden_size", config.head_hidden_size, 0, 1'000'000)
      .between("expand_ratio", config.expand_ratio, 1.0, 64.0)
      .one_of("conv_padding", config.conv_padding, {"", "same"});
  if (!(config.conv_attn_ratio > 0 && config.conv_attn_ratio <= 1))
    check.fail(fmt::format("expected 0 < conv_attn_ratio <= 1, got {}", config.conv_attn_ratio));
  if (!(config.norm_eps > 0) || !(config.conv_norm_eps > 0))
    check.fail("expected norm_eps and conv_norm_eps above 0");
  for (const int64_t width : config.embed_dim)
    check.divides("dim_head", config.dim_head, "embed_dim", width);
}

}  // namespace

void MaxVitConfig::visit(FieldVisitor& v) {
  v.field("num_classes", num_classes, "classes, 0: no classifier");
  v.field("in_chans", in_chans, "input channels");
  v.field("img_size", img_size, "pixels along one side");
  v.field("embed_dim", embed_dim, "channels per stage");
  v.field("depths", depths, "blocks per stage");
  v.field("stem_width", stem_width, "channels of the stem's two convolutions");
  v.field("stem_bias", stem_bias, "bias of the stem's convolutions");
  v.field("head_hidden_size", head_hidden_size, "of a layer before the classifier, 0: none");
  v.field("partition_ratio", partition_ratio, "image pixels per position of a window's side");
  v.field("dim_head", dim_head, "channels per attention head");
  v.field("expand_ratio", expand_ratio, "of the blocks' hidden channels");
  v.field("head_first", head_first, "heads before query, key, value in the joint projection");
  v.field("rel_pos_type", rel_pos_type, "of relative positions: bias, bias_tf, mlp");
  v.field("rel_pos_dim", rel_pos_dim, "hidden channels of rel_pos_type mlp");
  v.field("act_layer", act_layer, "activation of the feed-forward parts");
  v.field("norm_eps", norm_eps, "epsilon of layer norms");
  v.field("conv_expand_output", conv_expand_output,
          "MBConv's hidden channels are counted from its output");
  v.field("conv_output_bias", conv_output_bias, "bias of MBConv's shortcut and last convolution");
  v.field("conv_attn_ratio", conv_attn_ratio, "of the channels inside squeeze-and-excitation");
  v.field("conv_padding", conv_padding, "empty: symmetric; same: as TensorFlow pads");
  v.field("conv_act_layer", conv_act_layer, "activation of stem and MBConv");
  v.field("conv_norm_eps", conv_norm_eps, "epsilon of batch norms");
  v.field("drop_rate", drop_rate, "dropout before the classifier, 0: none");
  v.field("attn_drop_rate", attn_drop_rate, "dropout of attention weights, 0: none");
  v.field("proj_drop_rate", proj_drop_rate, "dropout in the attention blocks, 0: none");
  v.field("drop_path_rate", drop_path_rate, "stochastic depth of the last block, 0: none");
}

MaxVitBlockImpl::MaxVitBlockImpl(MaxVitBlockConfig config) {
  conv_ = register_module("conv", nn::MbConvBlock(config.conv));
  config.attention.dim = config.conv.out_chs;
  config.attention.partition = nn::Partition::kWindow;
  attn_block_ = register_module("attn_block", nn::PartitionBlock(config.attention));
  config.attention.partition = nn::Partition::kGrid;
  attn_grid_ = register_module("attn_grid", nn::PartitionBlock(config.attention));
}

torch::Tensor MaxVitBlockImpl::forward(const torch::Tensor& x) {
  return attn_grid_->forward(attn_block_->forward(conv_->forward(x)));
}

MaxVit::MaxVit(const MaxVitConfig& config) : ModelOf(config) {
  const auto layout = layout_of(config);
  validate(layout);
  validate_blocks(config);
  build(layout, [this](const MaxxVitPlace& place) { return make_block(place); });
}

std::shared_ptr<nn::BlockImpl> MaxVit::make_block(const MaxxVitPlace& place) const {
  const auto& c = config_;
  return std::make_shared<MaxVitBlockImpl>(
      MaxVitBlockConfig{.conv = {.in_chs = place.in,
                                 .out_chs = place.out,
                                 .stride = place.stride,
                                 .padding = padding_of(c),
                                 .expand_ratio = c.expand_ratio,
                                 .expand_output = c.conv_expand_output,
                                 .output_bias = c.conv_output_bias,
                                 .attn_ratio = c.conv_attn_ratio,
                                 .act = nn::parse_act(c.conv_act_layer),
                                 .norm_eps = c.conv_norm_eps,
                                 .drop_path = place.drop_path},
                        .attention = {.size = std::max<int64_t>(1, c.img_size / c.partition_ratio),
                                      .dim_head = c.dim_head,
                                      .expand_ratio = c.expand_ratio,
                                      .qkv_order = c.head_first ? nn::QkvOrder::kHeadsFirst
                                                                : nn::QkvOrder::kPartsFirst,
                                      .rel_pos_type = nn::parse_rel_pos_type(c.rel_pos_type),
                                      .rel_pos_dim = c.rel_pos_dim,
                                      .act = nn::parse_act(c.act_layer),
                                      .norm_eps = c.norm_eps,
                                      .attn_drop = c.attn_drop_rate,
                                      .proj_drop = c.proj_drop_rate,
                                      .drop_path = place.drop_path}});
}

void add_maxvit(Registry& table) {
  const auto add = [&table](const char* name, const data::InputConfig& input,
                            const MaxVitConfig& config) {
    table.add(make_entry<MaxVit>(name, Family::kHybrid, Fusion::kInterleaved, input, config));
  };
  add("maxvit_tiny_tf_224", imagenet_input(224, 0.95),
      {.stem_bias = true,
       .head_hidden_size = 512,
       .head_first = false,
       .rel_pos_type = "bias_tf",
       .act_layer = "gelu_tanh",
       .norm_eps = 1e-5,
       .conv_expand_output = true,
       .conv_output_bias = true,
       .conv_attn_ratio = 0.25,
       .conv_padding = "same",
       .conv_act_layer = "gelu_tanh",
       .conv_norm_eps = 1e-3});
  add("maxvit_rmlp_pico_rw_256", inception_input(256, 0.95),
      {.img_size = 256,
       .embed_dim = {32, 64, 128, 256},
       .stem_width = {24, 32},
       .rel_pos_type = "mlp"});
}

}  // namespace braid::models
