#include "braid/models/text/transformer/electra.h"

#include "braid/models/text/text_entry.h"
#include "braid/models/text/transformer/bert_fields.h"
#include "braid/nn/basic/activation.h"
#include "braid/nn/basic/register_at.h"

namespace braid::models {

using torch::Tensor;

void ElectraConfig::visit(FieldVisitor& v) {
  v.field("embedding_size", embedding_size, "channels of the embeddings");
  visit_bert_fields(*this, v);
}

Electra::Electra(const ElectraConfig& config)
    : TextEncoderOf(config, (Validator("electra").positive("embedding_size", config.embedding_size),
                             bert_body("electra", config, config.embedding_size))) {
  Electra::build_head(head(), config.num_labels);
}

Electra::HeadParts Electra::parts_of(TextHead head) const {
  switch (head) {
    case TextHead::kNone:
      return {true};
    case TextHead::kSequenceClassification:
      return {true, {"classifier.out_proj"}, {"classifier.dense"}};
    case TextHead::kTokenClassification:
      return {true, {"classifier"}};
    case TextHead::kQuestionAnswering:
      return {true, {"qa_outputs"}};
    case TextHead::kMaskedLm:
      return {true, {"generator_predictions", "generator_lm_head"}};
    case TextHead::kPreTraining:
      return {true, {"discriminator_predictions"}};
  }
  return {};
}

std::vector<std::pair<std::string, std::string>> Electra::tied_weights() const {
  if (!word_bias_.defined()) return {};
  return {{"generator_lm_head.weight", "electra.embeddings.word_embeddings.weight"}};
}

void Electra::build_head(TextHead head, int64_t num_labels) {
  drop_modules({"classifier", "qa_outputs", "generator_predictions", "generator_lm_head",
                "discriminator_predictions"});
  classifier = dense_ = dense_prediction_ = nullptr;
  generator_norm_ = nullptr;
  word_bias_ = Tensor();
  const int64_t D = num_features(), E = config_.embedding_size;
  if (head != TextHead::kSequenceClassification) pooler_ = nullptr;
  switch (head) {
    case TextHead::kNone:
      break;
    case TextHead::kSequenceClassification:
      if (pooler_)
        nn::register_at(*this, "classifier.dense", pooler_.ptr());
      else
        pooler_ = head_linear("classifier.dense", D, D);
      classifier = head_linear("classifier.out_proj", D, num_labels);
      break;
    case TextHead::kTokenClassification:
      classifier = head_linear("classifier", D, num_labels);
      break;
    case TextHead::kQuestionAnswering:
      classifier = head_linear("qa_outputs", D, 2);
      break;
    case TextHead::kMaskedLm:
      generator_norm_ = head_norm("generator_predictions.LayerNorm", E);
      dense_ = head_linear("generator_predictions.dense", D, E);
      word_bias_ = head_bias("generator_lm_head", vocab_size());
      break;
    case TextHead::kPreTraining:
      dense_ = head_linear("discriminator_predictions.dense", D, D);
      dense_prediction_ = head_linear("discriminator_predictions.dense_prediction", D, 1);
      break;
  }
}

double Electra::head_drop() const {
  return config_.classifier_dropout.value_or(config_.hidden_dropout_prob);
}

Tensor Electra::pool(const Tensor& features, const TextInput&) {
  const auto first = features.select(1, 0);  // [B,D]
  return pooler_ ? nn::activate(pooler_->forward(dropped(first, head_drop())), nn::Act::kGelu)
                 : first;
}

Tensor Electra::forward_head(const Tensor& features, const TextInput& input) {
  switch (head()) {
    case TextHead::kNone:
      return features;
    case TextHead::kSequenceClassification:
      return classifier->forward(dropped(pool(features, input), head_drop()));
    case TextHead::kTokenClassification:
      return classifier->forward(dropped(features, head_drop()));
    case TextHead::kQuestionAnswering:
      return classifier->forward(features);
    case TextHead::kMaskedLm:
      // GELU whatever the model's activation is, as in the reference.
      return decode_words(
          generator_norm_->forward(nn::activate(dense_->forward(features), nn::Act::kGelu)),
          word_bias_);
    case TextHead::kPreTraining:
      break;
  }
  const auto x = nn::activate(dense_->forward(features), body().layer.act);
  return dense_prediction_->forward(x).squeeze(-1);
}

void add_electra(Registry& table) {
  const TransformersNames names = {
      .model_type = "electra",
      .defaults = to_json(ElectraConfig()),
      .fixed = {{"is_decoder", false},
                {"add_cross_attention", false},
                {"tie_word_embeddings", true},
                {"position_embedding_type", "absolute"}},
      .classes = {{"none", "ElectraModel"},
                  {"sequence_classification", "ElectraForSequenceClassification"},
                  {"token_classification", "ElectraForTokenClassification"},
                  {"question_answering", "ElectraForQuestionAnswering"},
                  {"masked_lm", "ElectraForMaskedLM"},
                  {"pretraining", "ElectraForPreTraining"}}};
  const auto add = [&](const char* name, const ElectraConfig& config) {
    table.add(text_entry<Electra>(name, Family::kTransformer, Fusion::kNone, config, names));
  };
  add("electra_small", {});
  add("electra_base", {.embedding_size = 768,
                       .hidden_size = 768,
                       .num_attention_heads = 12,
                       .intermediate_size = 3072});
}

}  // namespace braid::models
