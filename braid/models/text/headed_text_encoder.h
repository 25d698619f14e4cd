// Heads of encoders for which no library has any: one linear layer on the hidden states.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "braid/models/text/text_model.h"
#include "braid/models/validate.h"

namespace braid::models {

struct HeadedEncoderConfig {
  const char* model = "";  // stands in errors
  int64_t vocab_size = 0;
  int64_t pad_token_id = 0;
  int64_t num_features = 0;
  double dropout = 0;  // before the head
};

// Keys, as the head is: classifier, token_classifier, qa_outputs, or lm_head.bias (the words'
// weights are those of the embedding).
class HeadedTextEncoder : public TextEncoder {
 public:
  torch::Tensor forward_head(const torch::Tensor& features, const TextInput& input) override;
  // The mean over the tokens.
  torch::Tensor pool(const torch::Tensor& features, const TextInput& input) override;
  // All but kPreTraining; kMaskedLm where word_embeddings() is defined.
  bool supports(TextHead head) const override;
  TextHead infer_head(const std::vector<std::string>& names_in_file) const override;
  std::vector<std::string> head_modules() const override;
  bool classifies() const override { return num_labels() > 0; }
  int64_t vocab_size() const override { return body_.vocab_size; }
  int64_t pad_token_id() const override { return body_.pad_token_id; }
  int64_t num_features() const override { return body_.num_features; }

 protected:
  explicit HeadedTextEncoder(const HeadedEncoderConfig& body);
  // The first head. Throws ConfigError where the model cannot
  // have the head that its config names, or a classifier has no labels. A constructor calls it
  // last.
  void begin_head(const std::string& head, int64_t num_labels);
  // Puts this head in the place of the one there is.
  void build_head(TextHead head, int64_t num_labels);
  // [V,D], what a masked token is compared with.
  virtual torch::Tensor word_embeddings() const { return {}; }

 private:
  torch::Tensor dropped(const torch::Tensor& x) const;

  HeadedEncoderConfig body_;
  torch::nn::Linear linear_{nullptr};  // of heads with labels
  torch::Tensor word_bias_;            // of kMaskedLm
};

// The fields of such an encoder's config: vocab_size, pad_token_id, head and num_labels.
template <class Config>
void visit_headed_fields(Config& c, FieldVisitor& v) {
  v.field("vocab_size", c.vocab_size, "tokens of the vocabulary");
  v.field("pad_token_id", c.pad_token_id, "number of the token that fills up");
  v.field("head", c.head, "what is made of the hidden states", {.choices = text_head_names()});
  v.field("num_labels", c.num_labels, "classes of a classifier");
}

// [B,N] bool, true: a token; undefined where all are.
torch::Tensor token_mask(const TextInput& input);

}  // namespace braid::models
