// DistilBERT, half of BERT's layers, distilled: no token types, no pooler in its body.
//
// Paper: Sanh et al., https://arxiv.org/abs/1910.01108
// Reference: DistilBertModel and its heads of Hugging Face transformers (Apache-2.0); same keys,
// those of a model with a head. The decoder of masked words is the words' embedding.
// Differences: in training, dropout after attention too; a query that sees no token at all gives
// zeros; other kinds of positions on request.
#pragma once
#include <string>

#include "braid/models/registry.h"
#include "braid/models/text/text_encoder_of.h"
#include "braid/models/text/transformer_encoder.h"

namespace braid::models {

// Hugging Face's names and defaults.
struct DistilBertConfig {
  int64_t vocab_size = 30522;
  int64_t max_position_embeddings = 512;
  int64_t n_layers = 6;
  int64_t n_heads = 12;
  int64_t dim = 768;
  int64_t hidden_dim = 3072;
  double dropout = 0.1;
  double attention_dropout = 0.1;
  std::string activation = "gelu";
  double initializer_range = 0.02;
  double qa_dropout = 0.1;
  double seq_classif_dropout = 0.2;
  int64_t pad_token_id = 0;  // -1: none
  std::string position_embedding_type = "absolute";
  double drop_path_rate = 0;
  std::string head = "none";
  int64_t num_labels = 2;
  void visit(FieldVisitor& v);
};

class DistilBert : public TextEncoderOf<DistilBertConfig, TransformerEncoder> {
 public:
  explicit DistilBert(const DistilBertConfig& config);

  torch::Tensor forward_head(const torch::Tensor& features, const TextInput& input) override;
  // ReLU of a layer on the first token, where the head has it; else that token.
  torch::Tensor pool(const torch::Tensor& features, const TextInput& input) override;

  torch::nn::Linear classifier{nullptr};  // of any head with labels

 protected:
  HeadParts parts_of(TextHead head) const override;
  std::vector<std::pair<std::string, std::string>> tied_weights() const override;
  void build_head(TextHead head, int64_t num_labels) override;

 private:
  torch::nn::Linear pre_classifier_{nullptr}, vocab_transform_{nullptr};
  torch::nn::LayerNorm vocab_layer_norm_{nullptr};
  torch::Tensor word_bias_;
};

void add_distilbert(Registry& table);

}  // namespace braid::models
