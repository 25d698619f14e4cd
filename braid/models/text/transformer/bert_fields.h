// The fields that the configs of BERT and ELECTRA share, Hugging Face's names and defaults, and the
// body that they describe.
#pragma once
#include <optional>
#include <string>

#include "braid/models/text/hidden_act.h"
#include "braid/models/text/transformer_encoder.h"
#include "braid/models/validate.h"

namespace braid::models {

// The fields `head`, `num_labels`, `position_embedding_type` and `drop_path_rate` that every
// encoder of this family has beside Hugging Face's.
template <class Config>
void visit_encoder_fields(Config& c, FieldVisitor& v) {
  v.field("position_embedding_type", c.position_embedding_type,
          "how it knows where a token stands; transformers has absolute alone",
          {.choices = text_positions_names()});
  v.field("drop_path_rate", c.drop_path_rate, "stochastic depth of the last layer, 0: none");
  v.field("head", c.head, "what is made of the hidden states", {.choices = text_head_names()});
  v.field("num_labels", c.num_labels, "classes of a classifier");
}

template <class Config>
void visit_bert_fields(Config& c, FieldVisitor& v) {
  v.field("vocab_size", c.vocab_size, "tokens of the vocabulary");
  v.field("hidden_size", c.hidden_size, "channels of a token");
  v.field("num_hidden_layers", c.num_hidden_layers, "layers");
  v.field("num_attention_heads", c.num_attention_heads, "attention heads");
  v.field("intermediate_size", c.intermediate_size, "hidden channels of the feed-forward part");
  v.field("hidden_act", c.hidden_act, "activation", {.choices = hidden_act_names()});
  v.field("hidden_dropout_prob", c.hidden_dropout_prob, "dropout of embeddings and layers");
  v.field("attention_probs_dropout_prob", c.attention_probs_dropout_prob,
          "dropout of attention weights");
  v.field("max_position_embeddings", c.max_position_embeddings, "tokens of the longest text");
  v.field("type_vocab_size", c.type_vocab_size, "texts that can be told apart");
  v.field("initializer_range", c.initializer_range, "deviation of the first weights");
  v.field("layer_norm_eps", c.layer_norm_eps, "epsilon of the norms");
  v.field("pad_token_id", c.pad_token_id, "the token that fills up, -1: none");
  v.field("classifier_dropout", c.classifier_dropout,
          "dropout before a classifier [hidden_dropout_prob]");
  visit_encoder_fields(c, v);
}

// Checks the fields. prefix: the module that holds all but the heads; embedding_dim: channels of
// the embeddings.
template <class Config>
TransformerEncoderConfig bert_body(const char* prefix, const Config& c, int64_t embedding_dim) {
  Validator(prefix)
      .positive("vocab_size", c.vocab_size)
      .depth("num_hidden_layers", c.num_hidden_layers)
      .divides("num_attention_heads", c.num_attention_heads, "hidden_size", c.hidden_size)
      .positive("intermediate_size", c.intermediate_size)
      .rate("hidden_dropout_prob", c.hidden_dropout_prob)
      .rate("attention_probs_dropout_prob", c.attention_probs_dropout_prob)
      .rate("classifier_dropout", c.classifier_dropout.value_or(0))
      .rate("drop_path_rate", c.drop_path_rate)
      .positive("max_position_embeddings", c.max_position_embeddings)
      .positive("type_vocab_size", c.type_vocab_size)
      .between("initializer_range", c.initializer_range, 0.0, 100.0)
      .between("layer_norm_eps", c.layer_norm_eps, 0.0, 1.0)
      .between("pad_token_id", c.pad_token_id, int64_t{-1}, c.vocab_size - 1)
      .between("num_labels", c.num_labels, int64_t{1}, kMaxClasses);
  return {.embeddings = {.vocab_size = c.vocab_size,
                         .dim = embedding_dim,
                         .type_vocab_size = c.type_vocab_size,
                         .pad_token_id = c.pad_token_id,
                         .norm_eps = c.layer_norm_eps,
                         .drop = c.hidden_dropout_prob},
          .positions = parse_text_positions(c.position_embedding_type),
          .max_positions = c.max_position_embeddings,
          .depth = c.num_hidden_layers,
          .layer = {.dim = c.hidden_size,
                    .num_heads = c.num_attention_heads,
                    .mlp_dim = c.intermediate_size,
                    .act = parse_hidden_act(c.hidden_act),
                    .norm_eps = c.layer_norm_eps,
                    .drop = c.hidden_dropout_prob,
                    .attn_drop = c.attention_probs_dropout_prob,
                    .keys = {.mixer = "attention",
                             .mixer_norm = "attention.output.LayerNorm",
                             .attention = {.q = "self.query",
                                           .k = "self.key",
                                           .v = "self.value",
                                           .out = "output.dense"},
                             .fc1 = "intermediate.dense",
                             .fc2 = "output.dense",
                             .mlp_norm = "output.LayerNorm"}},
          .drop_path_rate = c.drop_path_rate,
          .init_std = c.initializer_range,
          .prefix = prefix,
          .layers = "encoder.layer"};
}

}  // namespace braid::models
