// ConvBERT: half of the attention heads of BERT make room for a span-based dynamic convolution,
// whose kernel at a token follows from the token and its neighbours.
//
// Paper: Jiang et al., https://arxiv.org/abs/2008.02496
// Reference: ConvBertModel and its heads of Hugging Face transformers (Apache-2.0); same keys,
// those of a model with a head. The decoder of masked words is the words' embedding. Differences:
// padding is zero to the convolutions, so that a text's result does not depend on its batch (the
// reference's convolutions read padded positions: equal to it are rows without padding); a query
// that sees no token at all gives zeros; other kinds of positions on request.
#pragma once
#include <optional>
#include <string>

#include "braid/models/registry.h"
#include "braid/models/text/text_encoder_of.h"
#include "braid/models/text/transformer_encoder.h"

namespace braid::models {

// Hugging Face's names.
struct ConvBertConfig {
  int64_t vocab_size = 30522;
  int64_t embedding_size = 768;
  int64_t hidden_size = 768;
  int64_t num_hidden_layers = 12;
  int64_t num_attention_heads = 12;  // of which 1 / head_ratio remain
  int64_t intermediate_size = 3072;
  int64_t head_ratio = 2;
  int64_t conv_kernel_size = 9;  // tokens
  int64_t num_groups = 1;        // of the channels of the feed-forward part
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

class ConvBert : public TextEncoderOf<ConvBertConfig, TransformerEncoder> {
 public:
  explicit ConvBert(const ConvBertConfig& config);

  torch::Tensor forward_head(const torch::Tensor& features, const TextInput& input) override;
  // The activation of a layer on the first token, where the head has it; else that token.
  torch::Tensor pool(const torch::Tensor& features, const TextInput& input) override;

  torch::nn::Linear classifier{nullptr};  // of any head with labels

 protected:
  HeadParts parts_of(TextHead head) const override;
  std::vector<std::pair<std::string, std::string>> tied_weights() const override;
  void build_head(TextHead head, int64_t num_labels) override;

 private:
  double head_drop() const;

  torch::nn::Linear pooler_{nullptr};             // of sequence_classification
  torch::nn::Linear dense_{nullptr};              // of masked_lm
  torch::nn::LayerNorm generator_norm_{nullptr};  // of masked_lm
  torch::Tensor word_bias_;                       // of masked_lm
};

void add_convbert(Registry& table);

}  // namespace braid::models
