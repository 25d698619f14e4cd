#include "braid/models/text/cnn/lightconv.h"

#include "braid/models/text/text_entry.h"
#include "braid/nn/conv/lightweight_conv.h"

namespace braid::models {
namespace {

FairseqEncoderConfig lightconv_body(const LightConvConfig& c) {
  const Validator check("lightconv");
  check.depth("encoder_layers", c.encoder_layers)
      .divides("encoder_attention_heads", c.encoder_attention_heads, "encoder_embed_dim",
               c.encoder_embed_dim)
      .positive("encoder_ffn_embed_dim", c.encoder_ffn_embed_dim)
      .between("encoder_embed_dim", c.encoder_embed_dim, int64_t{4}, int64_t{65536})
      .one_of("encoder_conv_type", c.encoder_conv_type, {"lightweight", "dynamic"})
      .rate("dropout", c.dropout)
      .rate("relu_dropout", c.relu_dropout)
      .rate("input_dropout", c.input_dropout)
      .rate("weight_dropout", c.weight_dropout)
      .rate("classifier_dropout", c.classifier_dropout)
      .positive("max_source_positions", c.max_source_positions);
  const auto sizes = layer_kernel_sizes(check, "encoder_kernel_size_list",
                                        c.encoder_kernel_size_list, c.encoder_layers);
  return {
      .head = {.model = "lightconv",
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
                .act_drop = c.relu_dropout,
                .keys = {.mixer = "", .mixer_norm = "layer_norms.0", .mlp_norm = "layer_norms.1"}},
      .mixer = [=](int64_t layer) {
        return std::make_shared<nn::LightweightConvImpl>(
            nn::LightweightConvConfig{.dim = c.encoder_embed_dim,
                                      .num_heads = c.encoder_attention_heads,
                                      .kernel_size = sizes[static_cast<size_t>(layer)],
                                      .dynamic = c.encoder_conv_type == "dynamic",
                                      .glu = c.encoder_glu,
                                      .softmax = c.weight_softmax,
                                      .weight_drop = c.weight_dropout,
                                      .input_drop = c.input_dropout,
                                      .conv_key = "conv"});
      }};
}

}  // namespace

void LightConvConfig::visit(FieldVisitor& v) {
  visit_headed_fields(*this, v);
  v.field("encoder_embed_dim", encoder_embed_dim, "channels of a token");
  v.field("encoder_ffn_embed_dim", encoder_ffn_embed_dim,
          "hidden channels of the feed-forward part");
  v.field("encoder_layers", encoder_layers, "layers");
  v.field("encoder_attention_heads", encoder_attention_heads, "kernels of a layer");
  v.field("encoder_conv_type", encoder_conv_type,
          "kernels that are weights, or follow from each token",
          {.choices = {"lightweight", "dynamic"}});
  v.field("encoder_kernel_size_list", encoder_kernel_size_list,
          "tokens that a convolution sees, by layer or one for all, odd");
  v.field("encoder_glu", encoder_glu, "a gated linear layer before a convolution");
  v.field("weight_softmax", weight_softmax, "kernels whose numbers sum to 1");
  v.field("encoder_normalize_before", encoder_normalize_before, "norms before the branches");
  v.field("dropout", dropout, "dropout of embeddings and branches, 0: none");
  v.field("relu_dropout", relu_dropout, "dropout after the activation, 0: none");
  v.field("input_dropout", input_dropout, "dropout of what enters a convolution's block, 0: none");
  v.field("weight_dropout", weight_dropout, "dropout of the kernels, 0: none");
  v.field("classifier_dropout", classifier_dropout, "dropout before the head, 0: none");
  v.field("max_source_positions", max_source_positions, "tokens of the longest text");
}

LightConv::LightConv(const LightConvConfig& config)
    : TextEncoderOf(config, lightconv_body(config)) {
  begin_head(config.head, config.num_labels);
}

LightConvSeq2Seq::LightConvSeq2Seq(const FairseqSeq2SeqConfig& config)
    : FairseqSeq2Seq(
          {.model = "lightconv",
           .encoder = {.mixer = "", .mixer_norm = "layer_norms.0", .mlp_norm = "layer_norms.1"},
           .decoder = {.mixer = "", .mixer_norm = "conv_layer_norm"},
           .mixer =
               [](const FairseqSeq2SeqConfig& c, int64_t heads, int64_t kernel_size) {
                 return std::make_shared<nn::LightweightConvImpl>(
                     nn::LightweightConvConfig{.dim = c.embed_dim,
                                               .num_heads = heads,
                                               .kernel_size = kernel_size,
                                               .dynamic = c.conv_type == "dynamic",
                                               .glu = c.glu,
                                               .softmax = c.weight_softmax,
                                               .weight_drop = c.weight_dropout,
                                               .conv_key = "conv"});
               }},
          config) {}

void add_lightconv(Registry& table) {
  const auto add = [&table](const char* name, const LightConvConfig& config) {
    table.add(text_entry<LightConv>(name, Family::kCnn, Fusion::kNone, config));
  };
  const auto add_pair = [&table](const char* name, const FairseqSeq2SeqConfig& config) {
    table.add(text_entry<LightConvSeq2Seq>(name, Family::kCnn, Fusion::kNone, config));
  };
  add("lightconv_encoder_tiny",
      {.encoder_embed_dim = 128, .encoder_ffn_embed_dim = 256, .encoder_layers = 4});
  add("lightconv_encoder_small",
      {.encoder_embed_dim = 256, .encoder_ffn_embed_dim = 512, .encoder_layers = 6});
  // fairseq's lightconv_iwslt_de_en.
  add("lightconv_encoder_iwslt", {.weight_dropout = 0.1});
  add("dynamicconv_encoder_small", {.encoder_embed_dim = 256,
                                    .encoder_ffn_embed_dim = 512,
                                    .encoder_layers = 6,
                                    .encoder_conv_type = "dynamic",
                                    .encoder_glu = true});
  add_pair("lightconv_tiny", {.embed_dim = 128,
                              .encoder_layers = 4,
                              .decoder_layers = 4,
                              .encoder_ffn_embed_dim = 256,
                              .decoder_ffn_embed_dim = 256,
                              .dropout = 0.3,
                              .weight_dropout = 0.1});
  add_pair("lightconv_small", {.embed_dim = 256,
                               .encoder_layers = 6,
                               .encoder_ffn_embed_dim = 512,
                               .decoder_ffn_embed_dim = 512,
                               .weight_dropout = 0.1});
  add_pair("lightconv_iwslt", {.dropout = 0.3, .attention_dropout = 0.1, .weight_dropout = 0.1});
}

}  // namespace braid::models
