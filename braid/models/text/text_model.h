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
  kPreTraining  // that, and whether the second text follows [BertForPreTraining]; of ELECTRA [B,N]:
                // whether the token was replaced [ElectraForPreTraining]
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
  virtual int64_t pad_token_id() const = 0;  // -1: none
  // What fills up rows that are shorter than their batch: a word where there is no padding, which
  // masks hide as well.
  int64_t fill_token_id() const { return pad_token_id() < 0 ? 0 : pad_token_id(); }
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
  // Texts that token_type_ids tell apart, whose numbers are below; 0: they are not looked at.
  virtual int64_t token_types() const { return 0; }
  // Whether next_sentence() has an answer: of kPreTraining, where the model learns that.
  virtual bool has_next_sentence() const { return false; }
  // [B,2], 0: the second text follows the first. Throws UsageError where it has no answer.
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
  // The head that a file with tensors of these names was saved with.
  virtual TextHead infer_head(const std::vector<std::string>& names_in_file) const = 0;
};
using TextEncoderPtr = std::shared_ptr<TextEncoder>;

// Throws ConfigError, which names the heads that the encoder can have, for another one.
void expect_supported(const char* model, const TextEncoder& encoder, TextHead head);

// Tokens of the text that a model's cost is counted with, or what it takes at most.
constexpr int64_t kExampleTokens = 128;
int64_t example_length(const TextModel& model);

// What to do about texts that are longer than max_positions().
inline constexpr const char* kTooLongRemedy = "truncate them (`braid forward --truncate`)";

// Throws DataError where the tensors have other types or shapes than TextInput's (whole numbers of
// any width will do), naming the first row where a number is outside the vocabulary or the text is
// too long. Numbers of tensors that lie on a GPU are not looked at.
void check_text_input(const TextInput& input, const TextModel& model);
// The same for a vocabulary of so many words and texts of at most so many tokens, 0: any. part:
// "", or what the tensors' names begin with, such as "decoder_".
void check_text_input(const TextInput& input, int64_t vocab_size, int64_t most,
                      const std::string& part = "");
// Throws DataError naming the first number outside 0 .. count - 1. ids: [B,N]; name: of the tensor;
// remedy: may be empty.
void check_numbers(const torch::Tensor& ids, int64_t count, const char* name, const char* remedy);

}  // namespace braid::models
