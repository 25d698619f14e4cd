#include "braid/models/text/hybrid/lite_transformer.h"

#include "braid/models/text/text_entry.h"
#include "braid/nn/attention/long_short_attention.h"

namespace braid::models {
namespace {

// Of `dim` channels, half of them each.
std::shared_ptr<nn::TokenMixerImpl> long_short(int64_t dim, int64_t heads, double attn_drop,
                                               const nn::LightweightConvConfig& convolution) {
  return std::make_shared<nn::LongShortAttentionImpl>(nn::LongShortAttentionConfig{
      .dim = dim, .num_heads = heads, .attn_drop = attn_drop, .convolution = convolution});
}

FairseqSeq2SeqConfig checked_lite(const FairseqSeq2SeqConfig& c) {
  const Validator check("lite_transformer");
  check.positive("encoder_attention_heads", c.encoder_attention_heads)
      .positive("decoder_attention_heads", c.decoder_attention_heads);
  for (const int64_t heads : {c.encoder_attention_heads, c.decoder_attention_heads})
    if (c.embed_dim % (2 * heads) != 0)
      check.fail("expected an embed_dim of two halves with " + std::to_string(heads) +
                 " heads each, got " + std::to_string(c.embed_dim));
  if (c.glu && c.conv_type != "dynamic")
    check.fail("expected conv_type dynamic with glu, got " + c.conv_type);
  return c;
}

FairseqEncoderConfig lite_transformer_body(const LiteTransformerConfig& c) {
  const Validator check("lite_transformer");
  check.depth("encoder_layers", c.encoder_layers)
      .positive("encoder_attention_heads", c.encoder_attention_heads)
      .between("encoder_embed_dim", c.encoder_embed_dim, int64_t{4}, int64_t{65536})
      .positive("encoder_ffn_embed_dim", c.encoder_ffn_embed_dim)
      .one_of("conv_type", c.conv_type, {"lightweight", "dynamic"})
      .rate("dropout", c.dropout)
      .rate("attention_dropout", c.attention_dropout)
      .rate("activation_dropout", c.activation_dropout)
      .rate("weight_dropout", c.weight_dropout)
      .rate("classifier_dropout", c.classifier_dropout)
      .positive("max_source_positions", c.max_source_positions);
  if (c.encoder_embed_dim % (2 * c.encoder_attention_heads) != 0)
    check.fail("expected an encoder_embed_dim of two halves with " +
               std::to_string(c.encoder_attention_heads) + " heads each, got " +
               std::to_string(c.encoder_embed_dim));
  const bool dynamic = c.conv_type == "dynamic";
  if (c.encoder_glu && !dynamic)
    check.fail("expected conv_type dynamic with encoder_glu, got " + c.conv_type);
  const auto sizes = layer_kernel_sizes(check, "encoder_kernel_size_list",
                                        c.encoder_kernel_size_list, c.encoder_layers);
  return {.head = {.model = "lite_transformer",
                   .vocab_size = c.vocab_size,
                   .pad_token_id = c.pad_token_id,
                   .num_features = c.encoder_embed_dim,
                   .dropout = c.classifier_dropout},
          .depth = c.encoder_layers,
          .max_positions = c.max_source_positions,
          .layer = {.dim = c.encoder_embed_dim,
                    .mlp_dim = c.encoder_ffn_embed_dim,
                    .act = nn::Act::kRelu,
                    .pre_norm = c.encoder_normalize_before,
                    .drop = c.dropout,
                    .act_drop = c.activation_dropout},
          .mixer = [=](int64_t layer) {
            return long_short(c.encoder_embed_dim, c.encoder_attention_heads, c.attention_dropout,
                              {.kernel_size = sizes[static_cast<size_t>(layer)],
                               .dynamic = dynamic,
                               .glu = c.encoder_glu,
                               .softmax = c.weight_softmax,
                               .weight_drop = c.weight_dropout});
          }};
}

}  // namespace

void LiteTransformerConfig::visit(FieldVisitor& v) {
  visit_headed_fields(*this, v);
  v.field("encoder_embed_dim", encoder_embed_dim, "channels of a token");
  v.field("encoder_ffn_embed_dim", encoder_ffn_embed_dim,
          "hidden channels of the feed-forward part");
  v.field("encoder_layers", encoder_layers, "layers");
  v.field("encoder_attention_heads", encoder_attention_heads,
          "attention heads, and as many kernels");
  v.field("conv_type", conv_type, "kernels that are weights, or follow from each token",
          {.choices = {"lightweight", "dynamic"}});
  v.field("encoder_kernel_size_list", encoder_kernel_size_list,
          "tokens that a convolution sees, by layer or one for all, odd");
  v.field("encoder_glu", encoder_glu, "a gated linear layer before a dynamic convolution");
  v.field("weight_softmax", weight_softmax, "kernels whose numbers sum to 1");
  v.field("encoder_normalize_before", encoder_normalize_before, "norms before the branches");
  v.field("dropout", dropout, "dropout of embeddings and branches, 0: none");
  v.field("attention_dropout", attention_dropout, "dropout of attention weights, 0: none");
  v.field("activation_dropout", activation_dropout, "dropout after the activation, 0: none");
  v.field("weight_dropout", weight_dropout, "dropout of the kernels, 0: none");
  v.field("classifier_dropout", classifier_dropout, "dropout before the head, 0: none");
  v.field("max_source_positions", max_source_positions, "tokens of the longest text");
}

LiteTransformer::LiteTransformer(const LiteTransformerConfig& config)
    : TextEncoderOf(config, lite_transformer_body(config)) {
  begin_head(config.head, config.num_labels);
}

LiteTransformerSeq2Seq::LiteTransformerSeq2Seq(const FairseqSeq2SeqConfig& config)
    : FairseqSeq2Seq({.model = "lite_transformer",
                      .encoder = {},
                      .decoder = {},
                      .mixer =
                          [](const FairseqSeq2SeqConfig& c, int64_t heads, int64_t kernel_size) {
                            return long_short(c.embed_dim, heads, c.attention_dropout,
                                              {.kernel_size = kernel_size,
                                               .dynamic = c.conv_type == "dynamic",
                                               .glu = c.glu,
                                               .softmax = c.weight_softmax,
                                               .weight_drop = c.weight_dropout});
                          }},
                     checked_lite(config)) {}

void add_lite_transformer(Registry& table) {
  const auto add = [&table](const char* name, const LiteTransformerConfig& config) {
    table.add(text_entry<LiteTransformer>(name, Family::kHybrid, Fusion::kParallel, config));
  };
  const auto add_pair = [&table](const char* name, FairseqSeq2SeqConfig config, int64_t dim) {
    config.embed_dim = config.encoder_ffn_embed_dim = config.decoder_ffn_embed_dim = dim;
    config.encoder_layers = 6;
    table.add(text_entry<LiteTransformerSeq2Seq>(name, Family::kHybrid, Fusion::kParallel, config));
  };
  // The configurations of the reference: 160 and 320 for IWSLT'14, 496 for WMT'14.
  add("lite_transformer_encoder_160", {.dropout = 0.2, .weight_dropout = 0.1});
  add("lite_transformer_encoder_320", {.encoder_embed_dim = 320,
                                       .encoder_ffn_embed_dim = 320,
                                       .dropout = 0.2,
                                       .weight_dropout = 0.1});
  add("lite_transformer_encoder_496", {.encoder_embed_dim = 496,
                                       .encoder_ffn_embed_dim = 496,
                                       .conv_type = "dynamic",
                                       .encoder_glu = true,
                                       .attention_dropout = 0.08,
                                       .weight_dropout = 0.08});
  add_pair("lite_transformer_160", {.dropout = 0.2, .weight_dropout = 0.1}, 160);
  add_pair("lite_transformer_320", {.dropout = 0.2, .weight_dropout = 0.1}, 320);
  add_pair("lite_transformer_496",
           {.conv_type = "dynamic", .glu = true, .attention_dropout = 0.08, .weight_dropout = 0.08},
           496);
}

}  // namespace braid::models
