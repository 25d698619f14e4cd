// Conformer on texts: each block holds half a feed-forward part, attention, a convolution and
// another half, one after the other.
//
// Paper: Gulati et al., https://arxiv.org/abs/2005.08100
// Reference: Wav2Vec2ConformerEncoder of Hugging Face transformers (Apache-2.0); same keys below
// `encoder`. Embeddings of words stand in front, where it reads sound.
// Differences: padding is zero to the convolution and no part of its norm's statistics, so that a
// text's result does not depend on its batch (equal to the reference are rows without padding); the
// reference's pos_conv_embed, which it stores but does not use, is left out; no LayerDrop.
#pragma once
#include <string>
#include <vector>

#include "braid/models/registry.h"
#include "braid/models/text/headed_text_encoder.h"
#include "braid/models/text/text_embeddings.h"
#include "braid/models/text/text_encoder_of.h"
#include "braid/nn/block/conformer_layer.h"

namespace braid::models {

// Hugging Face's names.
struct Wav2Vec2ConformerTextConfig {
  int64_t vocab_size = 30522;
  int64_t pad_token_id = 0;
  std::string head = "none";
  int64_t num_labels = 2;
  int64_t hidden_size = 256;
  int64_t num_hidden_layers = 6;
  int64_t num_attention_heads = 4;
  int64_t intermediate_size = 1024;
  std::string hidden_act = "swish";
  double hidden_dropout = 0.1;  // of embeddings and feed-forward parts
  double activation_dropout = 0.1;
  double attention_dropout = 0.1;
  double conformer_conv_dropout = 0.1;
  double final_dropout = 0.1;                         // before the head
  std::string position_embeddings_type = "relative";  // "rotary", "none"
  int64_t rotary_embedding_base = 10000;
  int64_t conv_depthwise_kernel_size = 31;  // tokens
  double layer_norm_eps = 1e-5;             // of the last norm
  double initializer_range = 0.02;
  void visit(FieldVisitor& v);
};

// Keys: embeddings.{word_embeddings,LayerNorm}, encoder.layers.I, encoder.layer_norm, the head.
class Wav2Vec2ConformerText : public TextEncoderOf<Wav2Vec2ConformerTextConfig, HeadedTextEncoder> {
 public:
  explicit Wav2Vec2ConformerText(const Wav2Vec2ConformerTextConfig& config);
  torch::Tensor forward_features(const TextInput& input) override;
  int64_t max_positions() const override { return 0; }
  std::vector<std::string> no_weight_decay() const override;
  int64_t layer_id(const std::string& parameter) const override;
  int64_t layer_count() const override { return config_.num_hidden_layers + 2; }

  TextEmbeddings embeddings{nullptr};
  torch::nn::LayerNorm layer_norm{nullptr};

 protected:
  torch::Tensor word_embeddings() const override { return embeddings->word_embeddings->weight; }

 private:
  std::vector<nn::ConformerLayer> layers_;
};

void add_wav2vec2_conformer_text(Registry& table);

}  // namespace braid::models
