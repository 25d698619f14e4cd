// BERT, the bidirectional Transformer of texts.
//
// Paper: Devlin et al., https://arxiv.org/abs/1810.04805; the small sizes: Turc et al.,
// https://arxiv.org/abs/1908.08962
// Reference: BertModel and its heads of Hugging Face transformers (Apache-2.0); same keys, those of
// a model with a head. The decoder of masked words is the words' embedding and has no tensor of its
// own, which files may have.
// Differences: a query that sees no token at all gives zeros; other kinds of positions on request.
#pragma once
#include <optional>
#include <string>

#include "braid/models/registry.h"
#include "braid/models/text/text_encoder_of.h"
#include "braid/models/text/transformer_encoder.h"

namespace braid::models {

// Hugging Face's names and defaults.
struct BertConfig {
  int64_t vocab_size = 30522;
  int64_t hidden_size = 768;
  int64_t num_hidden_layers = 12;
  int64_t num_attention_heads = 12;
  int64_t intermediate_size = 3072;
  std::string hidden_act = "gelu";
  double hidden_dropout_prob = 0.1;
  double attention_probs_dropout_prob = 0.1;
  int64_t max_position_embeddings = 512;
  int64_t type_vocab_size = 2;
  double initializer_range = 0.02;
  double layer_norm_eps = 1e-12;
  int64_t pad_token_id = 0;                       // -1: none
  std::optional<double> classifier_dropout = {};  // unset: hidden_dropout_prob
  std::string position_embedding_type = "absolute";
  double drop_path_rate = 0;
  std::string head = "none";
  int64_t num_labels = 2;
  void visit(FieldVisitor& v);
};

class Bert : public TextEncoderOf<BertConfig, TransformerEncoder> {
 public:
  explicit Bert(const BertConfig& config);

  torch::Tensor forward_head(const torch::Tensor& features, const TextInput& input) override;
  bool has_next_sentence() const override { return head() == TextHead::kPreTraining; }
  torch::Tensor next_sentence(const torch::Tensor& features) override;
  // tanh of a layer on the first token, where the head has it; else that token.
  torch::Tensor pool(const torch::Tensor& features, const TextInput& input) override;

  torch::nn::Linear pooler{nullptr};
  torch::nn::Linear classifier{nullptr};  // of any head with labels

 protected:
  HeadParts parts_of(TextHead head) const override;
  std::vector<std::pair<std::string, std::string>> tied_weights() const override;
  void build_head(TextHead head, int64_t num_labels) override;

 private:
  torch::nn::Linear transform_dense_{nullptr}, seq_relationship_{nullptr};
  torch::nn::LayerNorm transform_norm_{nullptr};
  torch::Tensor word_bias_;
};

void add_bert(Registry& table);

}  // namespace braid::models
