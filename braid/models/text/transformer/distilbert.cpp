#include "braid/models/text/transformer/distilbert.h"

#include "braid/models/text/text_entry.h"
#include "braid/models/text/transformer/bert_fields.h"

namespace braid::models {
namespace {

using torch::Tensor;

constexpr double kDistilNormEps = 1e-12;

TransformerEncoderConfig distilbert_body(const DistilBertConfig& c) {
  Validator("distilbert")
      .positive("vocab_size", c.vocab_size)
      .depth("n_layers", c.n_layers)
      .divides("n_heads", c.n_heads, "dim", c.dim)
      .positive("hidden_dim", c.hidden_dim)
      .rate("dropout", c.dropout)
      .rate("attention_dropout", c.attention_dropout)
      .rate("qa_dropout", c.qa_dropout)
      .rate("seq_classif_dropout", c.seq_classif_dropout)
      .rate("drop_path_rate", c.drop_path_rate)
      .positive("max_position_embeddings", c.max_position_embeddings)
      .between("initializer_range", c.initializer_range, 0.0, 100.0)
      .between("pad_token_id", c.pad_token_id, int64_t{-1}, c.vocab_size - 1)
      .between("num_labels", c.num_labels, int64_t{1}, kMaxClasses);
  return {
      .embeddings = {.vocab_size = c.vocab_size,
                     .dim = c.dim,
                     .pad_token_id = c.pad_token_id,
                     .norm_eps = kDistilNormEps,
                     .drop = c.dropout},
      .positions = parse_text_positions(c.position_embedding_type),
      .max_positions = c.max_position_embeddings,
      .depth = c.n_layers,
      .layer = {.dim = c.dim,
                .num_heads = c.n_heads,
                .mlp_dim = c.hidden_dim,
                .act = parse_hidden_act(c.activation),
                .norm_eps = kDistilNormEps,
                .drop = c.dropout,
                .attn_drop = c.attention_dropout,
                .keys = {.mixer = "attention",
                         .mixer_norm = "sa_layer_norm",
                         .attention = {.q = "q_lin", .k = "k_lin", .v = "v_lin", .out = "out_lin"},
                         .fc1 = "ffn.lin1",
                         .fc2 = "ffn.lin2",
                         .mlp_norm = "output_layer_norm"}},
      .drop_path_rate = c.drop_path_rate,
      .init_std = c.initializer_range,
      .prefix = "distilbert",
      .layers = "transformer.layer"};
}

}  // namespace

void DistilBertConfig::visit(FieldVisitor& v) {
  v.field("vocab_size", vocab_size, "tokens of the vocabulary");
  v.field("max_position_embeddings", max_position_embeddings, "tokens of the longest text");
  v.field("n_layers", n_layers, "layers");
  v.field("n_heads", n_heads, "attention heads");
  v.field("dim", dim, "channels of a token");
  v.field("hidden_dim", hidden_dim, "hidden channels of the feed-forward part");
  v.field("dropout", dropout, "dropout of embeddings and layers");
  v.field("attention_dropout", attention_dropout, "dropout of attention weights");
  v.field("activation", activation, "activation", {.choices = hidden_act_names()});
  v.field("initializer_range", initializer_range, "deviation of the first weights");
  v.field("qa_dropout", qa_dropout, "dropout before the head question_answering");
  v.field("seq_classif_dropout", seq_classif_dropout,
          "dropout before the head sequence_classification");
  v.field("pad_token_id", pad_token_id, "the token that fills up, -1: none");
  visit_encoder_fields(*this, v);
}

DistilBert::DistilBert(const DistilBertConfig& config)
    : TextEncoderOf(config, distilbert_body(config)) {
  expect_supported("distilbert", *this, head());
  DistilBert::build_head(head(), config.num_labels);
}

DistilBert::HeadParts DistilBert::parts_of(TextHead head) const {
  switch (head) {
    case TextHead::kNone:
      return {true};
    case TextHead::kSequenceClassification:
      return {true, {"classifier"}, {"pre_classifier"}};
    case TextHead::kTokenClassification:
      return {true, {"classifier"}};
    case TextHead::kQuestionAnswering:
      return {true, {"qa_outputs"}};
    case TextHead::kMaskedLm:
      return {true, {"vocab_transform", "vocab_layer_norm", "vocab_projector"}};
    case TextHead::kPreTraining:
      break;
  }
  return {};
}

std::vector<std::pair<std::string, std::string>> DistilBert::tied_weights() const {
  if (!word_bias_.defined()) return {};
  return {{"vocab_projector.weight", "distilbert.embeddings.word_embeddings.weight"}};
}

void DistilBert::build_head(TextHead head, int64_t num_labels) {
  drop_modules(
      {"classifier", "qa_outputs", "vocab_transform", "vocab_layer_norm", "vocab_projector"});
  classifier = vocab_transform_ = nullptr;
  vocab_layer_norm_ = nullptr;
  word_bias_ = Tensor();
  const int64_t D = num_features();
  const bool pools = head == TextHead::kSequenceClassification;
  if (pools && !pre_classifier_) pre_classifier_ = head_linear("pre_classifier", D, D);
  if (!pools && pre_classifier_) {
    drop_modules({"pre_classifier"});
    pre_classifier_ = nullptr;
  }
  if (pools || head == TextHead::kTokenClassification)
    classifier = head_linear("classifier", D, num_labels);
  if (head == TextHead::kQuestionAnswering) classifier = head_linear("qa_outputs", D, 2);
  if (head == TextHead::kMaskedLm) {
    vocab_transform_ = head_linear("vocab_transform", D, D);
    vocab_layer_norm_ = head_norm("vocab_layer_norm", D);
    word_bias_ = head_bias("vocab_projector", vocab_size());
  }
}

Tensor DistilBert::pool(const Tensor& features, const TextInput&) {
  const auto first = features.select(1, 0);  // [B,D]
  return pre_classifier_ ? pre_classifier_->forward(first).relu() : first;
}

Tensor DistilBert::forward_head(const Tensor& features, const TextInput& input) {
  switch (head()) {
    case TextHead::kSequenceClassification:
      return classifier->forward(dropped(pool(features, input), config_.seq_classif_dropout));
    case TextHead::kTokenClassification:
      return classifier->forward(dropped(features, config_.dropout));
    case TextHead::kQuestionAnswering:
      return classifier->forward(dropped(features, config_.qa_dropout));
    case TextHead::kMaskedLm: {
      const auto x = nn::activate(vocab_transform_->forward(features), body().layer.act);
      return decode_words(vocab_layer_norm_->forward(x), word_bias_);
    }
    case TextHead::kNone:
    case TextHead::kPreTraining:
      break;
  }
  return features;
}

void add_distilbert(Registry& table) {
  table.add(text_entry<DistilBert>(
      "distilbert_base", Family::kTransformer, Fusion::kNone, DistilBertConfig{},
      TransformersNames{
          .model_type = "distilbert",
          .defaults = to_json(DistilBertConfig()),
          .fixed = {{"tie_word_embeddings", true}, {"position_embedding_type", "absolute"}},
          .classes = {{"none", "DistilBertModel"},
                      {"sequence_classification", "DistilBertForSequenceClassification"},
                      {"token_classification", "DistilBertForTokenClassification"},
                      {"question_answering", "DistilBertForQuestionAnswering"},
                      {"masked_lm", "DistilBertForMaskedLM"}}}));
}

}  // namespace braid::models
