#include "braid/models/text/hybrid/wav2vec2_conformer_text.h"

#include "braid/models/layer_ids.h"
#include "braid/models/text/hidden_act.h"
#include "braid/models/text/text_entry.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/basic/register_at.h"
#include "braid/nn/conv/token_conv.h"
#include "braid/runtime/grad_checkpoint.h"

namespace braid::models {
namespace {

using torch::Tensor;

nn::ConformerLayerConfig conformer_text_layer(const Wav2Vec2ConformerTextConfig& c) {
  return {.dim = c.hidden_size,
          .num_heads = c.num_attention_heads,
          .mlp_dim = c.intermediate_size,
          .kernel_size = c.conv_depthwise_kernel_size,
          .act = parse_hidden_act(c.hidden_act),
          .positions = nn::parse_conformer_positions(c.position_embeddings_type),
          .drop = c.hidden_dropout,
          .act_drop = c.activation_dropout,
          .attn_drop = c.attention_dropout,
          .conv_drop = c.conformer_conv_dropout};
}

HeadedEncoderConfig conformer_text_body(const Wav2Vec2ConformerTextConfig& c) {
  const Validator check("wav2vec2_conformer_text");
  check.depth("num_hidden_layers", c.num_hidden_layers)
      .divides("num_attention_heads", c.num_attention_heads, "hidden_size", c.hidden_size)
      .positive("intermediate_size", c.intermediate_size)
      .rate("hidden_dropout", c.hidden_dropout)
      .rate("activation_dropout", c.activation_dropout)
      .rate("attention_dropout", c.attention_dropout)
      .rate("conformer_conv_dropout", c.conformer_conv_dropout)
      .one_of("position_embeddings_type", c.position_embeddings_type,
              {"relative", "rotary", "none"})
      .positive("rotary_embedding_base", c.rotary_embedding_base)
      .odd("conv_depthwise_kernel_size", c.conv_depthwise_kernel_size, 1025)
      .between("layer_norm_eps", c.layer_norm_eps, 0.0, 1.0)
      .between("initializer_range", c.initializer_range, 0.0, 100.0);
  if (c.hidden_size % (2 * c.num_attention_heads) != 0)
    check.fail("expected an even number of channels in each head, got " +
               std::to_string(c.hidden_size / c.num_attention_heads));
  return {.model = "wav2vec2_conformer_text",
          .vocab_size = c.vocab_size,
          .pad_token_id = c.pad_token_id,
          .num_features = c.hidden_size,
          .dropout = c.final_dropout};
}

}  // namespace

void Wav2Vec2ConformerTextConfig::visit(FieldVisitor& v) {
  visit_headed_fields(*this, v);
  v.field("hidden_size", hidden_size, "channels of a token");
  v.field("num_hidden_layers", num_hidden_layers, "layers");
  v.field("num_attention_heads", num_attention_heads, "attention heads");
  v.field("intermediate_size", intermediate_size, "hidden channels of the feed-forward parts");
  v.field("hidden_act", hidden_act, "activation", {.choices = hidden_act_names()});
  v.field("hidden_dropout", hidden_dropout,
          "dropout of embeddings and feed-forward parts, 0: none");
  v.field("activation_dropout", activation_dropout, "dropout after the activation, 0: none");
  v.field("attention_dropout", attention_dropout, "dropout of attention and its weights, 0: none");
  v.field("conformer_conv_dropout", conformer_conv_dropout, "dropout of convolutions, 0: none");
  v.field("final_dropout", final_dropout, "dropout before the head, 0: none");
  v.field("position_embeddings_type", position_embeddings_type,
          "how attention knows where a token stands", {.choices = {"relative", "rotary", "none"}});
  v.field("rotary_embedding_base", rotary_embedding_base, "base of the rotary frequencies");
  v.field("conv_depthwise_kernel_size", conv_depthwise_kernel_size,
          "tokens that a convolution sees, odd");
  v.field("layer_norm_eps", layer_norm_eps, "epsilon of the last norm");
  v.field("initializer_range", initializer_range, "deviation of the first weights");
}

Wav2Vec2ConformerText::Wav2Vec2ConformerText(const Wav2Vec2ConformerTextConfig& config)
    : TextEncoderOf(config, conformer_text_body(config)) {
  embeddings = register_module(
      "embeddings", TextEmbeddings(TextEmbeddingsConfig{.vocab_size = config.vocab_size,
                                                        .dim = config.hidden_size,
                                                        .pad_token_id = config.pad_token_id,
                                                        .norm_eps = config.layer_norm_eps,
                                                        .drop = config.hidden_dropout}));
  for (int64_t i = 0; i < config.num_hidden_layers; ++i) {
    layers_.emplace_back(conformer_text_layer(config));
    nn::register_at(*this, "encoder.layers." + std::to_string(i), layers_.back().ptr());
  }
  layer_norm = nn::layer_norm(config.hidden_size, config.layer_norm_eps);
  nn::register_at(*this, "encoder.layer_norm", layer_norm.ptr());
  const torch::NoGradGuard no_grad;
  for (const auto& module : modules(/*include_self=*/false))
    if (auto* linear = module->as<torch::nn::LinearImpl>()) {
      linear->weight.normal_(0, config.initializer_range);
      if (linear->bias.defined()) linear->bias.zero_();
    }
  auto& words = embeddings->word_embeddings->weight;
  words.normal_(0, config.initializer_range);
  words[config.pad_token_id].zero_();
  begin_head(config.head, config.num_labels);
}

torch::Tensor Wav2Vec2ConformerText::forward_features(const TextInput& input) {
  check_text_input(input, *this);
  nn::ConformerLayerArgs args{.mask = token_mask(input), .positions = {}};
  auto x = nn::zero_padding(embeddings->forward({input.input_ids, {}, {}}), args.mask);
  args.positions = nn::conformer_positions(conformer_text_layer(config_), x.size(1), x.options(),
                                           static_cast<double>(config_.rotary_embedding_base));
  for (const auto& layer : layers_) {
    const auto run = [layer = layer, args](const Tensor& y) mutable {
      return layer->forward(y, args);
    };
    x = runtime::checkpoint_if(checkpointing(), run, x);
  }
  return layer_norm->forward(x);
}

std::vector<std::string> Wav2Vec2ConformerText::no_weight_decay() const {
  std::vector<std::string> names;
  for (const auto& item : named_parameters())
    if (item.key().ends_with("pos_bias_u") || item.key().ends_with("pos_bias_v"))
      names.push_back(item.key());
  return names;
}

int64_t Wav2Vec2ConformerText::layer_id(const std::string& parameter) const {
  if (parameter.starts_with("embeddings.")) return 0;
  if (parameter.starts_with("encoder.layer_norm")) return config_.num_hidden_layers;
  return block_index(parameter, "encoder.layers.", config_.num_hidden_layers) + 1;
}

void add_wav2vec2_conformer_text(Registry& table) {
  const auto add = [&table](const char* name, const Wav2Vec2ConformerTextConfig& config) {
    table.add(text_entry<Wav2Vec2ConformerText>(name, Family::kHybrid, Fusion::kSerial, config));
  };
  add("wav2vec2_conformer_text_tiny",
      {.hidden_size = 128, .num_hidden_layers = 4, .intermediate_size = 512});
  add("wav2vec2_conformer_text_small", {});
  add("wav2vec2_conformer_text_rotary_small", {.position_embeddings_type = "rotary"});
}

}  // namespace braid::models
