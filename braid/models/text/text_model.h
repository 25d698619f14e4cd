// The contracts of networks of text.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "braid/models/model.h"

namespace braid::models {

// What is made of the hidden states; Hugging Face's classes in brackets.
enum class TextHead {
  kNone,                    // nothing: the hidden states themselves [BertModel]
  kSequenceClassification,  // [B,K] of the whole text [BertForSequenceClassification]
  kTokenClassification,     // [B,N,K] of every token [BertForTokenClassification]
  kQuestionAnswering,       // [B,N,2]: where the answer begins and ends [BertForQuestionAnswering]
  kMaskedLm,                // [B,N,V]: the token that is hidden [BertForMaskedLM]
  kPreTraining              // that, and whether the second text follows [BertForPreTraining]
};
// "none", "sequence_classification", "token_classification", "question_answering", "masked_lm",
// "pretraining". Throws ConfigError with near matches for another name.
TextHead parse_text_head(const std::string& name);
const char* to_string(TextHead head);
std::vector<std::string> text_head_names();

// A batch of texts; the tensors are Hugging Face's.
struct TextInput {
  torch::Tensor input_ids;       // [B,N] int64
  torch::Tensor attention_mask;  // [B,N], not zero: a token; undefined: all are
  torch::Tensor token_type_ids;  // [B,N] int64; undefined: all 0
};

class TextModel : public Model {
 public:
  virtual int64_t vocab_size() const = 0;
  virtual int64_t pad_token_id() const = 0;
  // The longest text in tokens; 0: any.
  virtual int64_t max_positions() const = 0;
};

// Texts to hidden states, and a head on them. An output depends on its own row of the batch alone:
// padding has no influence.
class TextEncoder : public TextModel {
 public:
  static constexpr std::string_view kKind = "text encoder";

  // [B,N,D]; what stands at padded positions means nothing. Throws DataError for a number outside
  // the vocabulary or a text longer than max_positions(), naming both.
  virtual torch::Tensor forward_features(const TextInput& input) = 0;
  // The head's output on those features. kMaskedLm and kPreTraining: features may be any [...,D],
  // such as those of the masked positions alone.
  virtual torch::Tensor forward_head(const torch::Tensor& features, const TextInput& input) = 0;
  torch::Tensor forward(const TextInput& input) {
    return forward_head(forward_features(input), input);
  }
  // kPreTraining: [B,2], 0: the second text follows the first. Throws UsageError elsewhere.
  virtual torch::Tensor next_sentence(const torch::Tensor& features);
  // One vector per text, [B,D]: what classifies it before the classifier.
  virtual torch::Tensor pool(const torch::Tensor& features, const TextInput& input) = 0;
  virtual int64_t num_features() const = 0;  // D
  virtual TextHead head() const = 0;
  virtual int64_t num_labels() const = 0;  // of classification; 0: none
  virtual bool supports(TextHead head) const = 0;
  // Replaces the head by a freshly initialized one. Throws UsageError for one that the model cannot
  // have.
  virtual void reset_head(TextHead head, int64_t num_labels) = 0;
};
using TextEncoderPtr = std::shared_ptr<TextEncoder>;

// Throws DataError naming the first row where a number is outside the vocabulary or the text is
// too long.
void check_text_input(const TextInput& input, const TextModel& model);

}  // namespace braid::models
