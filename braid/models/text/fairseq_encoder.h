// The encoders of fairseq's translation models, as encoders of text: scaled embeddings of words
// plus sines and cosines of their positions, Transformer layers with a token mixer that each model
// brings along.
//
// Reference: LightConvEncoder of fairseq (MIT) and TransformerEncoder of lite-transformer (MIT);
// same keys. Differences: padding is what the mask says, not what the number of a token does.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "braid/models/text/headed_text_encoder.h"
#include "braid/nn/block/transformer_layer.h"

namespace braid::models {

struct FairseqEncoderConfig {
  HeadedEncoderConfig head = {};
  int64_t depth = 6;          // layers
  int64_t max_positions = 0;  // tokens of the longest text
  nn::TransformerLayerConfig layer = {};
  std::function<std::shared_ptr<nn::TokenMixerImpl>(int64_t layer)> mixer;
};

// Keys: encoder.embed_tokens, encoder.layers.I, encoder.layer_norm where norms stand before the
// branches, the head.
class FairseqEncoder : public HeadedTextEncoder {
 public:
  torch::Tensor forward_features(const TextInput& input) override;
  int64_t max_positions() const override { return body_.max_positions; }
  int64_t layer_id(const std::string& parameter) const override;
  int64_t layer_count() const override { return body_.depth + 2; }

  torch::nn::Embedding embed_tokens{nullptr};

 protected:
  explicit FairseqEncoder(const FairseqEncoderConfig& body);
  torch::Tensor word_embeddings() const override { return embed_tokens->weight; }

 private:
  FairseqEncoderConfig body_;
  std::vector<nn::TransformerLayer> layers_;
  torch::nn::LayerNorm layer_norm_{nullptr};
};

// tensor2tensor's sines and cosines of the positions of `tokens` tokens, as fairseq has them:
// halves, the lowest frequency is 1 / 10000, and the first position follows the number of the
// padding. mask: [B,tokens]; where it is defined padding has no position. [tokens,D] or
// [B,tokens,D].
torch::Tensor fairseq_positions(const torch::Tensor& mask, int64_t tokens, int64_t dim,
                                int64_t padding_idx, const torch::TensorOptions& options);

// The kernel sizes of `depth` layers: the list's first, or its only one for all. Throws ConfigError
// naming the field for a list that is too short or has an even number.
std::vector<int64_t> layer_kernel_sizes(const Validator& check, const char* field,
                                        const std::vector<int64_t>& list, int64_t depth);

}  // namespace braid::models
