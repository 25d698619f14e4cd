#include "braid/models/text/headed_text_encoder.h"

#include <algorithm>
#include <array>
#include <utility>

#include "braid/nn/basic/dropout.h"
#include "braid/nn/basic/init.h"
#include "braid/ops/global_avg_pool.h"

namespace braid::models {
namespace {

using torch::Tensor;

// In the order in which a file's names are looked at; none for kNone.
constexpr std::array<std::pair<TextHead, const char*>, 4> kHeadKeys = {
    {{TextHead::kSequenceClassification, "classifier"},
     {TextHead::kTokenClassification, "token_classifier"},
     {TextHead::kQuestionAnswering, "qa_outputs"},
     {TextHead::kMaskedLm, "lm_head"}}};

std::string key_of_head(TextHead head) {
  for (const auto& [value, key] : kHeadKeys)
    if (value == head) return key;
  return "";
}

}  // namespace

Tensor token_mask(const TextInput& input) {
  return input.attention_mask.defined() ? input.attention_mask.ne(0) : Tensor();
}

HeadedTextEncoder::HeadedTextEncoder(const HeadedEncoderConfig& body) : body_(body) {
  Validator(body.model)
      .positive("vocab_size", body.vocab_size)
      .between("pad_token_id", body.pad_token_id, int64_t{0}, body.vocab_size - 1)
      .rate("dropout", body.dropout);
}

Tensor HeadedTextEncoder::dropped(const Tensor& x) const {
  return nn::dropout(x, body_.dropout, is_training());
}

Tensor HeadedTextEncoder::pool(const Tensor& features, const TextInput& input) {
  const auto mask = token_mask(input);
  if (!mask.defined()) return ops::global_avg_pool(features);
  const auto tokens = mask.unsqueeze(-1);  // [B,N,1]
  const auto sum = features.masked_fill(tokens.logical_not(), 0).sum(1);
  return sum / tokens.sum(1).clamp_min(1).to(sum.scalar_type());
}

bool HeadedTextEncoder::supports(TextHead head) const {
  if (head == TextHead::kMaskedLm) return word_embeddings().defined();
  return head != TextHead::kPreTraining;
}

TextHead HeadedTextEncoder::infer_head(const std::vector<std::string>& names_in_file) const {
  for (const auto& [head, key] : kHeadKeys)
    if (std::any_of(names_in_file.begin(), names_in_file.end(),
                    [prefix = std::string(key) + "."](const std::string& name) {
                      return name.starts_with(prefix);
                    }))
      return head;
  return TextHead::kNone;
}

std::vector<std::string> HeadedTextEncoder::head_modules() const {
  if (head() == TextHead::kNone) return {};
  return {key_of_head(head())};
}

void HeadedTextEncoder::begin_head(const std::string& head, int64_t num_labels) {
  Validator(body_.model).between("num_labels", num_labels, int64_t{1}, kMaxClasses);
  const auto kind = parse_text_head(head);
  expect_supported(body_.model, *this, kind);
  build_head(kind, num_labels);
}

void HeadedTextEncoder::build_head(TextHead head, int64_t num_labels) {
  for (const auto& entry : kHeadKeys)
    if (named_children().contains(entry.second)) unregister_module(entry.second);
  linear_ = nullptr;
  word_bias_ = Tensor();
  if (head == TextHead::kNone) return;
  if (head == TextHead::kMaskedLm) {
    const auto module = register_module(key_of_head(head), std::make_shared<torch::nn::Module>());
    module->train(is_training());
    word_bias_ = module->register_parameter("bias", torch::zeros({vocab_size()}));
    return;
  }
  linear_ =
      torch::nn::Linear(num_features(), head == TextHead::kQuestionAnswering ? 2 : num_labels);
  nn::init_linear_(linear_);
  linear_->train(is_training());
  register_module(key_of_head(head), linear_);
}

Tensor HeadedTextEncoder::forward_head(const Tensor& features, const TextInput& input) {
  switch (head()) {
    case TextHead::kSequenceClassification:
      return linear_->forward(dropped(pool(features, input)));
    case TextHead::kTokenClassification:
    case TextHead::kQuestionAnswering:
      return linear_->forward(dropped(features));
    case TextHead::kMaskedLm:
      return at::linear(features, word_embeddings(), word_bias_);
    case TextHead::kNone:
    case TextHead::kPreTraining:
      break;
  }
  return features;
}

}  // namespace braid::models
