#include "braid/models/text/transformer/bert.h"

#include "braid/models/text/text_entry.h"
#include "braid/models/text/transformer/bert_fields.h"

namespace braid::models {

using torch::Tensor;

void BertConfig::visit(FieldVisitor& v) { visit_bert_fields(*this, v); }

Bert::Bert(const BertConfig& config)
    : TextEncoderOf(config, bert_body("bert", config, config.hidden_size)) {
  Bert::build_head(head(), config.num_labels);
}

Bert::HeadParts Bert::parts_of(TextHead head) const {
  switch (head) {
    case TextHead::kNone:
      return {true, {}, {"bert.pooler"}};
    case TextHead::kSequenceClassification:
      return {true, {"classifier"}, {"bert.pooler"}};
    case TextHead::kTokenClassification:
      return {true, {"classifier"}};
    case TextHead::kQuestionAnswering:
      return {true, {"qa_outputs"}};
    case TextHead::kMaskedLm:
      return {true, {"cls.predictions"}};
    case TextHead::kPreTraining:
      return {true, {"cls.predictions", "cls.seq_relationship"}, {"bert.pooler"}};
  }
  return {};
}

std::vector<std::pair<std::string, std::string>> Bert::tied_weights() const {
  if (!word_bias_.defined()) return {};
  return {{"cls.predictions.decoder.weight", "bert.embeddings.word_embeddings.weight"},
          {"cls.predictions.decoder.bias", "cls.predictions.bias"}};
}

void Bert::build_head(TextHead head, int64_t num_labels) {
  drop_modules({"classifier", "qa_outputs", "cls"});
  classifier = transform_dense_ = seq_relationship_ = nullptr;
  transform_norm_ = nullptr;
  word_bias_ = Tensor();
  const int64_t D = num_features();
  const bool pools = !parts_of(head).pooling.empty();
  if (pools && !pooler) pooler = head_linear("bert.pooler.dense", D, D);
  if (!pools && pooler) {
    drop_body_module("pooler");
    pooler = nullptr;
  }
  if (head == TextHead::kSequenceClassification || head == TextHead::kTokenClassification)
    classifier = head_linear("classifier", D, num_labels);
  if (head == TextHead::kQuestionAnswering) classifier = head_linear("qa_outputs", D, 2);
  if (head == TextHead::kMaskedLm || head == TextHead::kPreTraining) {
    word_bias_ = head_bias("cls.predictions", vocab_size());
    transform_dense_ = head_linear("cls.predictions.transform.dense", D, D);
    transform_norm_ = head_norm("cls.predictions.transform.LayerNorm", D);
  }
  if (head == TextHead::kPreTraining) seq_relationship_ = head_linear("cls.seq_relationship", D, 2);
}

Tensor Bert::pool(const Tensor& features, const TextInput&) {
  const auto first = features.select(1, 0);  // [B,D]
  return pooler ? pooler->forward(first).tanh() : first;
}

Tensor Bert::forward_head(const Tensor& features, const TextInput& input) {
  const double drop = config_.classifier_dropout.value_or(config_.hidden_dropout_prob);
  switch (head()) {
    case TextHead::kNone:
      return features;
    case TextHead::kSequenceClassification:
      return classifier->forward(dropped(pool(features, input), drop));
    case TextHead::kTokenClassification:
      return classifier->forward(dropped(features, drop));
    case TextHead::kQuestionAnswering:
      return classifier->forward(features);
    case TextHead::kMaskedLm:
    case TextHead::kPreTraining:
      break;
  }
  const auto x = nn::activate(transform_dense_->forward(features), body().layer.act);
  return decode_words(transform_norm_->forward(x), word_bias_);
}

Tensor Bert::next_sentence(const Tensor& features) {
  if (!seq_relationship_) return TextEncoder::next_sentence(features);
  return seq_relationship_->forward(pool(features, {}));
}

void add_bert(Registry& table) {
  const TransformersNames names = {
      .model_type = "bert",
      .defaults = to_json(BertConfig()),
      .fixed = {{"is_decoder", false},
                {"add_cross_attention", false},
                {"tie_word_embeddings", true},
                {"position_embedding_type", "absolute"}},
      .classes = {{"none", "BertModel"},
                  {"sequence_classification", "BertForSequenceClassification"},
                  {"token_classification", "BertForTokenClassification"},
                  {"question_answering", "BertForQuestionAnswering"},
                  {"masked_lm", "BertForMaskedLM"},
                  {"pretraining", "BertForPreTraining"}}};
  const auto add = [&](const char* name, int64_t layers, int64_t size) {
    table.add(text_entry<Bert>(name, Family::kTransformer, Fusion::kNone,
                               BertConfig{.hidden_size = size,
                                          .num_hidden_layers = layers,
                                          .num_attention_heads = size / 64,
                                          .intermediate_size = 4 * size},
                               names));
  };
  add("bert_tiny", 2, 128);
  add("bert_mini", 4, 256);
  add("bert_small", 4, 512);
  add("bert_medium", 8, 512);
  add("bert_base", 12, 768);
}

}  // namespace braid::models
