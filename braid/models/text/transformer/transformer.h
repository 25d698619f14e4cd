// The Transformer: an encoder and a decoder, a text for a text.
//
// Paper: Vaswani et al., https://arxiv.org/abs/1706.03762
// Reference: MarianMTModel of Hugging Face transformers (Apache-2.0); same keys and shapes.
// Differences: normalize_before, whose two last norms have mBART's keys; weights begin as fairseq
// draws them; what MarianMTModel's file has of positions and tied copies is not stored.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "braid/models/registry.h"
#include "braid/models/text/encoder_decoder.h"
#include "braid/nn/block/transformer_layer.h"

namespace braid::models {

// Field names and their meaning are MarianConfig's.
struct TransformerConfig {
  int64_t vocab_size = 32000;
  int64_t decoder_vocab_size = 0;  // 0: vocab_size
  int64_t d_model = 512;
  int64_t encoder_layers = 6;
  int64_t decoder_layers = 6;
  int64_t encoder_attention_heads = 8;
  int64_t decoder_attention_heads = 8;
  int64_t encoder_ffn_dim = 2048;
  int64_t decoder_ffn_dim = 2048;
  double dropout = 0.1;
  double attention_dropout = 0;
  double activation_dropout = 0;
  std::string activation_function = "relu";
  int64_t max_position_embeddings = 1024;
  bool scale_embedding = true;  // times sqrt(d_model)
  bool share_encoder_decoder_embeddings = true;
  bool normalize_before = false;  // the norms before attention and feed-forward part, and one at
                                  // the end, instead of after each sum
  std::optional<int64_t> pad_token_id = {};  // unset: vocab_size - 1, as in opus-mt's
  int64_t eos_token_id = 0;
  std::optional<int64_t> decoder_start_token_id = {};  // unset: pad_token_id
  std::optional<int64_t> forced_eos_token_id = 0;      // what stands at the greatest length
  void visit(FieldVisitor& v);
};

// Keys: model.shared or, unshared, model.encoder.embed_tokens and model.decoder.embed_tokens;
// model.encoder.layers.I, model.decoder.layers.I, (model.encoder.layer_norm),
// (model.decoder.layer_norm), final_logits_bias.
class Transformer : public EncoderDecoder {
 public:
  explicit Transformer(const TransformerConfig& config);

  EncodedText encode(const TextInput& input) override;
  torch::Tensor decode(const torch::Tensor& decoder_input_ids, const torch::Tensor& decoder_mask,
                       const EncodedText& encoded, DecoderCache* cache) override;
  torch::Tensor logits(const torch::Tensor& hidden) override;

  Json config() const override { return to_json(config_); }
  std::vector<std::string> head_modules() const override { return {}; }
  WeightPlace place_weight(const std::string& in_file) const override;
  int64_t layer_id(const std::string& parameter) const override;
  int64_t layer_count() const override {
    return config_.encoder_layers + config_.decoder_layers + 2;
  }
  int64_t vocab_size() const override { return decoder_embed_->weight.size(0); }
  int64_t source_vocab_size() const override { return config_.vocab_size; }
  int64_t decoder_layers() const override { return config_.decoder_layers; }
  int64_t max_positions() const override { return config_.max_position_embeddings; }
  int64_t pad_token_id() const override { return *config_.pad_token_id; }
  int64_t eos_token_id() const override { return config_.eos_token_id; }
  int64_t decoder_start_token_id() const override { return *config_.decoder_start_token_id; }

 private:
  // [B,N] -> [B,N,D]; first: the position of the first of them.
  torch::Tensor embed(torch::nn::Embedding& words, const torch::Tensor& ids, int64_t first);
  void init_weights();

  TransformerConfig config_;
  torch::Tensor positions_;  // [max_position_embeddings,D] float32 on the CPU
  torch::nn::Embedding encoder_embed_{nullptr}, decoder_embed_{nullptr};  // one, where shared
  std::vector<nn::TransformerLayer> encoder_, decoder_;
  torch::nn::LayerNorm encoder_norm_{nullptr}, decoder_norm_{nullptr};
  torch::Tensor final_logits_bias_;  // [1,V]
};

void add_transformer(Registry& table);

}  // namespace braid::models
