#include "braid/models/text/transformer/transformer.h"

#include <fmt/format.h>

#include <cmath>

#include "braid/core/error.h"
#include "braid/models/layer_ids.h"
#include "braid/models/text/hidden_act.h"
#include "braid/models/text/text_entry.h"
#include "braid/models/validate.h"
#include "braid/nn/basic/dropout.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/basic/norm_for_product.h"
#include "braid/nn/basic/product.h"
#include "braid/nn/basic/register_at.h"
#include "braid/nn/position/sequence_positions.h"
#include "braid/runtime/grad_checkpoint.h"

namespace braid::models {
namespace {

using torch::Tensor;

constexpr double kTransformerNormEps = 1e-5;
constexpr int64_t kMostTransformerLayers = 1000, kMostTransformerPositions = 1 << 20;

TransformerConfig resolved(TransformerConfig config) {
  if (config.decoder_vocab_size == 0) config.decoder_vocab_size = config.vocab_size;
  if (!config.pad_token_id)
    config.pad_token_id = std::min(config.vocab_size, config.decoder_vocab_size) - 1;
  if (!config.decoder_start_token_id) config.decoder_start_token_id = config.pad_token_id;
  return config;
}

void check_transformer(const TransformerConfig& config) {
  const Validator valid("transformer");
  valid.between("vocab_size", config.vocab_size, 2, kMaxClasses)
      .between("decoder_vocab_size", config.decoder_vocab_size, 2, kMaxClasses)
      .positive("d_model", config.d_model)
      .between("encoder_layers", config.encoder_layers, 1, kMostTransformerLayers)
      .between("decoder_layers", config.decoder_layers, 1, kMostTransformerLayers)
      .positive("encoder_attention_heads", config.encoder_attention_heads)
      .positive("decoder_attention_heads", config.decoder_attention_heads)
      .divides("encoder_attention_heads", config.encoder_attention_heads, "d_model", config.d_model)
      .divides("decoder_attention_heads", config.decoder_attention_heads, "d_model", config.d_model)
      .positive("encoder_ffn_dim", config.encoder_ffn_dim)
      .positive("decoder_ffn_dim", config.decoder_ffn_dim)
      .rate("dropout", config.dropout)
      .rate("attention_dropout", config.attention_dropout)
      .rate("activation_dropout", config.activation_dropout)
      .between("max_position_embeddings", config.max_position_embeddings, 1,
               kMostTransformerPositions);
  if (config.share_encoder_decoder_embeddings && config.vocab_size != config.decoder_vocab_size)
    valid.fail(
        fmt::format("expected decoder_vocab_size {} as vocab_size where the embeddings are "
                    "shared, got {}",
                    config.vocab_size, config.decoder_vocab_size));
  const int64_t last = config.decoder_vocab_size - 1;
  valid.between("pad_token_id", *config.pad_token_id, 0, std::min(config.vocab_size - 1, last))
      .between("eos_token_id", config.eos_token_id, 0, last)
      .between("decoder_start_token_id", *config.decoder_start_token_id, 0, last);
  if (config.forced_eos_token_id)
    valid.between("forced_eos_token_id", *config.forced_eos_token_id, 0, last);
}

nn::TransformerLayerConfig layer_config(const TransformerConfig& config, bool decoder) {
  return {.dim = config.d_model,
          .num_heads = decoder ? config.decoder_attention_heads : config.encoder_attention_heads,
          .mlp_dim = decoder ? config.decoder_ffn_dim : config.encoder_ffn_dim,
          .act = parse_hidden_act(config.activation_function),
          .pre_norm = config.normalize_before,
          .cross = decoder,
          .norm_eps = kTransformerNormEps,
          .drop = config.dropout,
          .attn_drop = config.attention_dropout,
          .act_drop = config.activation_dropout};
}

// True where a token is; undefined where all are, which saves the masks.
Tensor present(const Tensor& mask) {
  if (!mask.defined()) return mask;
  auto tokens = mask.to(torch::kBool);
  if (!tokens.device().is_cpu()) return tokens;
  // The shorter way gives the same: who observes operators does not see the choice.
  const at::DisableRecordFunctionGuard unseen;
  return tokens.all().item<bool>() ? Tensor() : tokens;
}

}  // namespace

void TransformerConfig::visit(FieldVisitor& v) {
  v.field("vocab_size", vocab_size, "words of the encoder's vocabulary");
  v.field("decoder_vocab_size", decoder_vocab_size, "words of the decoder's, 0: vocab_size");
  v.field("d_model", d_model, "channels of a token");
  v.field("encoder_layers", encoder_layers, "layers of the encoder");
  v.field("decoder_layers", decoder_layers, "layers of the decoder");
  v.field("encoder_attention_heads", encoder_attention_heads, "heads of the encoder's layers");
  v.field("decoder_attention_heads", decoder_attention_heads, "heads of the decoder's layers");
  v.field("encoder_ffn_dim", encoder_ffn_dim, "hidden channels of the encoder's feed-forward part");
  v.field("decoder_ffn_dim", decoder_ffn_dim, "hidden channels of the decoder's feed-forward part");
  v.field("dropout", dropout, "dropout of embeddings and branches, 0: none");
  v.field("attention_dropout", attention_dropout, "dropout of attention weights, 0: none");
  v.field("activation_dropout", activation_dropout, "dropout after the activation, 0: none");
  v.field("activation_function", activation_function, "activation of the feed-forward part",
          {.choices = hidden_act_names()});
  v.field("max_position_embeddings", max_position_embeddings, "tokens of the longest text");
  v.field("scale_embedding", scale_embedding, "embeddings times the root of d_model");
  v.field("share_encoder_decoder_embeddings", share_encoder_decoder_embeddings,
          "one matrix of words for encoder and decoder");
  v.field("normalize_before", normalize_before, "norms before the branches, and one at the end");
  v.field("pad_token_id", pad_token_id, "the padding's number, unset: the last");
  v.field("eos_token_id", eos_token_id, "the number of what ends a text");
  v.field("decoder_start_token_id", decoder_start_token_id,
          "the number of what begins a written text, unset: pad_token_id");
  v.field("forced_eos_token_id", forced_eos_token_id,
          "what stands at the greatest length, unset: anything");
}

Transformer::Transformer(const TransformerConfig& config) : config_(resolved(config)) {
  check_transformer(config_);
  positions_ = nn::sinusoidal_positions(config_.max_position_embeddings, config_.d_model,
                                        torch::TensorOptions().dtype(torch::kFloat));
  const auto words = [&](const char* key, int64_t count) {
    torch::nn::Embedding layer(
        torch::nn::EmbeddingOptions(count, config_.d_model).padding_idx(config_.pad_token_id));
    nn::register_at(*this, key, layer.ptr());
    return layer;
  };
  if (config_.share_encoder_decoder_embeddings) {
    encoder_embed_ = decoder_embed_ = words("model.shared", config_.vocab_size);
  } else {
    encoder_embed_ = words("model.encoder.embed_tokens", config_.vocab_size);
    decoder_embed_ = words("model.decoder.embed_tokens", config_.decoder_vocab_size);
  }
  const auto stack = [&](const std::string& name, int64_t depth, bool decoder) {
    std::vector<nn::TransformerLayer> layers;
    for (int64_t i = 0; i < depth; ++i) {
      layers.emplace_back(layer_config(config_, decoder));
      nn::register_at(*this, fmt::format("model.{}.layers.{}", name, i), layers.back().ptr());
    }
    return layers;
  };
  const auto last_norm = [&](const char* key) {
    auto norm = nn::layer_norm(config_.d_model, kTransformerNormEps);
    nn::register_at(*this, key, norm.ptr());
    return norm;
  };
  encoder_ = stack("encoder", config_.encoder_layers, false);
  decoder_ = stack("decoder", config_.decoder_layers, true);
  if (config_.normalize_before) {
    encoder_norm_ = last_norm("model.encoder.layer_norm");
    decoder_norm_ = last_norm("model.decoder.layer_norm");
  }
  final_logits_bias_ =
      register_buffer("final_logits_bias", torch::zeros({1, config_.decoder_vocab_size}));
  init_weights();
}

void Transformer::init_weights() {
  const torch::NoGradGuard no_grad;
  const double deviation =
      config_.scale_embedding ? 1 / std::sqrt(static_cast<double>(config_.d_model)) : 0.02;
  for (const auto& item : named_modules("", /*include_self=*/false)) {
    const auto& key = item.key();
    if (auto* linear = item.value()->as<torch::nn::LinearImpl>()) {
      const bool into_heads = key.ends_with("q_proj") || key.ends_with("k_proj") ||
                              key.ends_with("v_proj");  // as if they were one matrix
      torch::nn::init::xavier_uniform_(linear->weight, into_heads ? M_SQRT1_2 : 1);
      torch::nn::init::zeros_(linear->bias);
    } else if (auto* words = item.value()->as<torch::nn::EmbeddingImpl>()) {
      torch::nn::init::normal_(words->weight, 0, deviation);
      words->weight[*config_.pad_token_id].zero_();
    }
  }
}

Tensor Transformer::embed(torch::nn::Embedding& words, const Tensor& ids, int64_t first) {
  auto x = words->forward(ids.to(torch::kLong));  // [B,N,D]
  if (config_.scale_embedding) x = x * std::sqrt(static_cast<double>(config_.d_model));
  x = x + positions_.narrow(0, first, ids.size(1)).to(x.options());
  return nn::dropout(x, config_.dropout, is_training());
}

EncodedText Transformer::encode(const TextInput& input) {
  check_text_input(input, config_.vocab_size, config_.max_position_embeddings);
  const auto mask = present(input.attention_mask);
  auto x = embed(encoder_embed_, input.input_ids, 0);
  for (auto& layer : encoder_)
    x = runtime::checkpoint_if(
        checkpointing(),
        [layer, mask](const Tensor& y) mutable {
          return layer->forward(y, {.mixer = {.key_padding = mask}});
        },
        x);
  if (encoder_norm_) x = nn::trained_norm(encoder_norm_, x);
  return {x, mask};
}

Tensor Transformer::decode(const Tensor& decoder_input_ids, const Tensor& decoder_mask,
                           const EncodedText& encoded, DecoderCache* cache) {
  check_text_input({decoder_input_ids, {}, {}}, config_.decoder_vocab_size, 0, "decoder_");
  const int64_t seen = cache ? cache->length : 0, length = decoder_input_ids.size(1);
  if (seen + length > config_.max_position_embeddings)
    throw DataError("models",
                    fmt::format("expected texts of at most {} tokens, got {}",
                                config_.max_position_embeddings, seen + length),
                    "decoder_input_ids", kTooLongRemedy);
  if (cache && seen == 0) cache->self.resize(decoder_.size()), cache->cross.resize(decoder_.size());
  const auto mask = present(decoder_mask);
  auto x = embed(decoder_embed_, decoder_input_ids, seen);
  for (size_t i = 0; i < decoder_.size(); ++i) {
    auto run = [layer = decoder_[i], mask, padding = encoded.attention_mask,
                self = cache ? &cache->self[i] : nullptr,
                cross =
                    cache ? &cache->cross[i] : nullptr](const std::vector<Tensor>& inputs) mutable {
      const nn::TokenMixerArgs memory{.key_padding = padding, .memory = inputs[1], .cache = cross};
      return layer->forward(
          inputs[0],
          {.mixer = {.key_padding = mask, .causal = true, .cache = self}, .cross = memory});
    };
    x = runtime::checkpoint_if(checkpointing(), run, {x, encoded.hidden});
  }
  if (cache) cache->length += length;
  return decoder_norm_ ? nn::trained_norm(decoder_norm_, x) : x;
}

Tensor Transformer::logits(const Tensor& hidden) {
  return nn::product(hidden, decoder_embed_->weight, final_logits_bias_.view(-1),
                     /*training=*/false);
}

// Other files name the words of shared embeddings once for each that has them, have a matrix of
// positions, or lack the first part of every name, as MarianModel's do.
WeightPlace Transformer::place_weight(const std::string& in_file) const {
  if (in_file.ends_with("embed_positions.weight")) return {"", WeightUse::kIgnore};
  const bool shared = config_.share_encoder_decoder_embeddings;
  if (in_file == "lm_head.weight")
    return {shared ? "model.shared.weight" : "model.decoder.embed_tokens.weight"};
  const bool bare = in_file.starts_with("shared.") || in_file.starts_with("encoder.") ||
                    in_file.starts_with("decoder.");
  const auto name = bare ? "model." + in_file : in_file;
  if (shared && name.ends_with("embed_tokens.weight")) return {"model.shared.weight"};
  return {name};
}

int64_t Transformer::layer_id(const std::string& parameter) const {
  const int64_t in_decoder = block_index(parameter, "model.decoder.layers.", -1);
  if (in_decoder >= 0) return 1 + config_.encoder_layers + in_decoder;
  if (parameter.starts_with("model.decoder.layer_norm")) return layer_count() - 1;
  if (parameter.starts_with("model.encoder.layer_norm")) return config_.encoder_layers;
  return 1 + block_index(parameter, "model.encoder.layers.", -1);
}

void add_transformer(Registry& table) {
  const TransformersNames names = {
      .model_type = "marian",
      .defaults = to_json(TransformerConfig{.vocab_size = 58101,
                                            .d_model = 1024,
                                            .encoder_layers = 12,
                                            .decoder_layers = 12,
                                            .encoder_attention_heads = 16,
                                            .decoder_attention_heads = 16,
                                            .encoder_ffn_dim = 4096,
                                            .decoder_ffn_dim = 4096,
                                            .activation_function = "gelu",
                                            .scale_embedding = false,
                                            .pad_token_id = 58100,
                                            .decoder_start_token_id = 58100}),
      .fixed = {{"is_encoder_decoder", true},
                {"tie_word_embeddings", true},
                {"normalize_before", false},
                {"normalize_embedding", false},
                {"static_position_embeddings", true}},
      .classes = {{"", "MarianMTModel"}, {"", "MarianModel"}}};
  const auto add = [&](const char* name, const TransformerConfig& config) {
    table.add(text_entry<Transformer>(name, Family::kTransformer, Fusion::kNone, config, names));
  };
  // The norms stand after the sums, as in the paper, Marian and transformers: with these depths and
  // a warm-up that trains, and what is saved is a MarianMTModel.
  add("transformer_tiny", {.d_model = 128,
                           .encoder_layers = 4,
                           .decoder_layers = 4,
                           .encoder_attention_heads = 4,
                           .decoder_attention_heads = 4,
                           .encoder_ffn_dim = 256,
                           .decoder_ffn_dim = 256,
                           .dropout = 0.3});
  add("transformer_small", {.d_model = 256,
                            .encoder_attention_heads = 4,
                            .decoder_attention_heads = 4,
                            .encoder_ffn_dim = 1024,
                            .decoder_ffn_dim = 1024});
  add("transformer_base", {});
  add("transformer_big", {.d_model = 1024,
                          .encoder_attention_heads = 16,
                          .decoder_attention_heads = 16,
                          .encoder_ffn_dim = 4096,
                          .decoder_ffn_dim = 4096,
                          .dropout = 0.3});
}

}  // namespace braid::models
