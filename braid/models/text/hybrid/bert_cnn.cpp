#include "braid/models/text/hybrid/bert_cnn.h"

#include "braid/models/text/headed_text_encoder.h"
#include "braid/models/text/text_entry.h"
#include "braid/models/text/transformer/bert_fields.h"

namespace braid::models {
namespace {

using torch::Tensor;

TransformerEncoderConfig bert_cnn_body(const BertCnnConfig& config) {
  const Validator check("bert_cnn");
  check.between("num_filters", config.num_filters, int64_t{1}, int64_t{65536});
  for (const int64_t size : config.kernel_sizes)
    check.between("kernel_sizes", size, int64_t{1}, int64_t{1024});
  if (config.kernel_sizes.empty()) check.fail("expected at least one of kernel_sizes, got none");
  return bert_body("bert", config, config.hidden_size);
}

}  // namespace

void BertCnnConfig::visit(FieldVisitor& v) {
  BertConfig::visit(v);
  v.field("kernel_sizes", kernel_sizes, "tokens of the windows, one size each",
          {.least = 1, .most = 1024});
  v.field("num_filters", num_filters, "filters of each size");
}

BertCnn::BertCnn(const BertCnnConfig& config) : TextEncoderOf(config, bert_cnn_body(config)) {
  expect_supported("bert_cnn", *this, head());
  convs = register_module("convs",
                          nn::TextConvs(nn::TextConvsConfig{.in_features = config.hidden_size,
                                                            .num_filters = config.num_filters,
                                                            .kernel_sizes = config.kernel_sizes}));
  BertCnn::build_head(head(), config.num_labels);
}

BertCnn::HeadParts BertCnn::parts_of(TextHead head) const {
  switch (head) {
    case TextHead::kNone:
      return {true};
    case TextHead::kSequenceClassification:
      return {true, {"classifier"}};
    case TextHead::kTokenClassification:
      return {true, {"token_classifier"}};
    case TextHead::kQuestionAnswering:
      return {true, {"qa_outputs"}};
    case TextHead::kMaskedLm:
    case TextHead::kPreTraining:
      break;
  }
  return {};
}

void BertCnn::build_head(TextHead head, int64_t num_labels) {
  drop_modules({"classifier", "token_classifier", "qa_outputs"});
  classifier = nullptr;
  if (head == TextHead::kNone) return;
  const int64_t outputs = head == TextHead::kQuestionAnswering ? 2 : num_labels;
  classifier = head_linear(parts_of(head).own[0], num_features(), outputs);
}

Tensor BertCnn::forward_features(const TextInput& input) {
  return convs->forward(TransformerEncoder::forward_features(input), token_mask(input));
}

Tensor BertCnn::pool(const Tensor& features, const TextInput& input) {
  return nn::max_over_tokens(features, token_mask(input));
}

Tensor BertCnn::forward_head(const Tensor& features, const TextInput& input) {
  if (!classifier) return features;
  const auto x = head() == TextHead::kSequenceClassification ? pool(features, input) : features;
  return classifier->forward(
      dropped(x, config_.classifier_dropout.value_or(config_.hidden_dropout_prob)));
}

WeightPlace BertCnn::place_weight(const std::string& in_file) const {
  if (in_file.starts_with("convs.")) return {in_file};
  return TransformerEncoder::place_weight(in_file);
}

// A file of BERT itself has no convolutions.
bool BertCnn::may_begin_fresh(const std::string& name) const {
  return name.starts_with("convs.") || TransformerEncoder::may_begin_fresh(name);
}

int64_t BertCnn::layer_id(const std::string& parameter) const {
  if (parameter.starts_with("convs.")) return layer_count() - 2;
  const int64_t id = TransformerEncoder::layer_id(parameter);
  return id == TransformerEncoder::layer_count() - 1 ? layer_count() - 1 : id;
}

std::vector<Part> BertCnn::parts() {
  auto parts = TransformerEncoder::parts();
  parts.push_back({.name = "convs",
                   .text = {},
                   .modules = {"convs"},
                   .shape = {example_length(*this), num_features()},
                   .run = {}});
  return parts;
}

void add_bert_cnn(Registry& table) {
  const auto add = [&](const char* name, int64_t layers, int64_t size) {
    BertCnnConfig config;
    config.hidden_size = size;
    config.num_hidden_layers = layers;
    config.num_attention_heads = size / 64;
    config.intermediate_size = 4 * size;
    table.add(text_entry<BertCnn>(name, Family::kHybrid, Fusion::kSerial, config));
  };
  add("bert_tiny_cnn", 2, 128);
  add("bert_mini_cnn", 4, 256);
  add("bert_small_cnn", 4, 512);
}

}  // namespace braid::models
