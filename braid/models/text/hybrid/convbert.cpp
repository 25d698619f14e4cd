#include "braid/models/text/hybrid/convbert.h"

#include "braid/models/text/text_entry.h"
#include "braid/models/text/transformer/bert_fields.h"
#include "braid/nn/attention/mixed_attention.h"
#include "braid/nn/basic/activation.h"
#include "braid/nn/basic/register_at.h"
#include "braid/nn/mlp/grouped_linear.h"

namespace braid::models {
namespace {

using torch::Tensor;

TransformerEncoderConfig convbert_body(const ConvBertConfig& c) {
  const Validator check("convbert");
  check.positive("embedding_size", c.embedding_size)
      .positive("head_ratio", c.head_ratio)
      .odd("conv_kernel_size", c.conv_kernel_size, 1024)
      .divides("num_groups", c.num_groups, "hidden_size", c.hidden_size)
      .divides("num_groups", c.num_groups, "intermediate_size", c.intermediate_size);
  auto body = bert_body("convbert", c, c.embedding_size);
  const int64_t heads = std::max<int64_t>(c.num_attention_heads / c.head_ratio, 1);
  if (c.hidden_size % (2 * heads) != 0)
    check.fail("expected a hidden_size of two equal halves with " + std::to_string(heads) +
               " heads each, got " + std::to_string(c.hidden_size));
  if (body.positions == TextPositions::kRotary)
    check.fail("expected another position_embedding_type, got rotary");
  body.layer.num_heads = heads;
  body.layer.mlp_groups = c.num_groups;
  body.mixer = [=] {
    return std::make_shared<nn::MixedAttentionImpl>(
        nn::MixedAttentionConfig{.dim = c.hidden_size,
                                 .num_heads = heads,
                                 .kernel_size = c.conv_kernel_size,
                                 .attn_drop = c.attention_probs_dropout_prob,
                                 .init_std = c.initializer_range});
  };
  return body;
}

}  // namespace

void ConvBertConfig::visit(FieldVisitor& v) {
  v.field("embedding_size", embedding_size, "channels of the embeddings");
  v.field("head_ratio", head_ratio, "of the attention heads one in so many remains");
  v.field("conv_kernel_size", conv_kernel_size, "tokens that a convolution sees");
  v.field("num_groups", num_groups, "groups of the channels of the feed-forward part");
  visit_bert_fields(*this, v);
}

ConvBert::ConvBert(const ConvBertConfig& config) : TextEncoderOf(config, convbert_body(config)) {
  expect_supported("convbert", *this, head());
  const torch::NoGradGuard no_grad;
  for (const auto& module : modules(/*include_self=*/false))
    if (auto* layer = module->as<nn::GroupedLinearImpl>())
      layer->weight.normal_(0, config.initializer_range);
  ConvBert::build_head(head(), config.num_labels);
}

ConvBert::HeadParts ConvBert::parts_of(TextHead head) const {
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
      break;
  }
  return {};
}

std::vector<std::pair<std::string, std::string>> ConvBert::tied_weights() const {
  if (!word_bias_.defined()) return {};
  return {{"generator_lm_head.weight", "convbert.embeddings.word_embeddings.weight"}};
}

void ConvBert::build_head(TextHead head, int64_t num_labels) {
  drop_modules({"classifier", "qa_outputs", "generator_predictions", "generator_lm_head"});
  classifier = dense_ = nullptr;
  generator_norm_ = nullptr;
  word_bias_ = Tensor();
  const int64_t D = num_features();
  const auto kept = head == TextHead::kSequenceClassification ? pooler_ : nullptr;
  pooler_ = nullptr;
  switch (head) {
    case TextHead::kNone:
    case TextHead::kPreTraining:
      break;
    case TextHead::kSequenceClassification:
      pooler_ = kept;
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
      generator_norm_ = head_norm("generator_predictions.LayerNorm", config_.embedding_size);
      dense_ = head_linear("generator_predictions.dense", D, config_.embedding_size);
      word_bias_ = head_bias("generator_lm_head", vocab_size());
      break;
  }
}

double ConvBert::head_drop() const {
  return config_.classifier_dropout.value_or(config_.hidden_dropout_prob);
}

Tensor ConvBert::pool(const Tensor& features, const TextInput&) {
  auto first = features.select(1, 0);  // [B,D]
  if (!pooler_) return first;
  return nn::activate(pooler_->forward(dropped(first, head_drop())), body().layer.act);
}

Tensor ConvBert::forward_head(const Tensor& features, const TextInput& input) {
  switch (head()) {
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
    case TextHead::kNone:
    case TextHead::kPreTraining:
      break;
  }
  return features;
}

void add_convbert(Registry& table) {
  auto defaults = to_json(ConvBertConfig());
  defaults["pad_token_id"] = 1;  // transformers', where a file says nothing
  const TransformersNames names = {
      .model_type = "convbert",
      .defaults = defaults,
      .fixed = {{"is_decoder", false},
                {"add_cross_attention", false},
                {"tie_word_embeddings", true},
                {"position_embedding_type", "absolute"}},
      .classes = {{"none", "ConvBertModel"},
                  {"sequence_classification", "ConvBertForSequenceClassification"},
                  {"token_classification", "ConvBertForTokenClassification"},
                  {"question_answering", "ConvBertForQuestionAnswering"},
                  {"masked_lm", "ConvBertForMaskedLM"}}};
  const auto add = [&](const char* name, const ConvBertConfig& config) {
    table.add(text_entry<ConvBert>(name, Family::kHybrid, Fusion::kEmbedded, config, names));
  };
  add("convbert_small", {.embedding_size = 128,
                         .hidden_size = 256,
                         .num_attention_heads = 4,
                         .intermediate_size = 1024});
  add("convbert_medium_small", {.embedding_size = 128,
                                .hidden_size = 384,
                                .num_attention_heads = 8,
                                .intermediate_size = 1536,
                                .num_groups = 2});
  add("convbert_base", {});
}

}  // namespace braid::models
