// fairseq's translation models whose token mixers are not attention alone: scaled embeddings of
// words plus sines and cosines of their positions, an encoder and a decoder of Transformer layers,
// the words' embeddings again as the last layer.
//
// Reference: LightConvModel of fairseq (MIT) and TransformerMultibranchModel of lite-transformer
// (MIT); same keys, with the embeddings of the decoder as its output (their
// share_decoder_input_output_embed).
// Differences: padding is what the masks say, not what the number of a token does.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "braid/models/text/encoder_decoder.h"
#include "braid/nn/block/transformer_layer.h"

namespace braid::models {

// fairseq's names, but for those of the vocabularies, which are transformers'.
struct FairseqSeq2SeqConfig {
  int64_t vocab_size = 32000;
  int64_t decoder_vocab_size = 0;  // 0: vocab_size
  bool share_encoder_decoder_embeddings = true;
  int64_t pad_token_id = 1;
  int64_t eos_token_id = 2;
  std::optional<int64_t> decoder_start_token_id = {};  // unset: eos_token_id, as in fairseq
  int64_t embed_dim = 512;                             // channels of a token
  int64_t encoder_layers = 7;
  int64_t decoder_layers = 6;
  int64_t encoder_ffn_embed_dim = 1024;
  int64_t decoder_ffn_embed_dim = 1024;
  int64_t encoder_attention_heads = 4;  // of attention, and as many kernels
  int64_t decoder_attention_heads = 4;
  std::vector<int64_t> encoder_kernel_size_list = {3, 7, 15, 31, 31, 31, 31};  // tokens, by layer
  std::vector<int64_t> decoder_kernel_size_list = {3, 7, 15, 31, 31, 31, 31};
  std::string conv_type = "lightweight";  // "dynamic"
  bool glu = false;                       // a gated linear layer before a convolution
  bool weight_softmax = true;
  bool normalize_before = false;
  double dropout = 0.1;  // of embeddings and branches
  double attention_dropout = 0;
  double activation_dropout = 0;
  double weight_dropout = 0;     // of the kernels
  int64_t max_positions = 1024;  // tokens of the longest text
  void visit(FieldVisitor& v);
};

// What an architecture brings along.
struct FairseqDesign {
  const char* model = "";  // stands in errors
  nn::TransformerLayerKeys encoder = {}, decoder = {};
  // heads and kernel_size: of this layer.
  std::function<std::shared_ptr<nn::TokenMixerImpl>(const FairseqSeq2SeqConfig&, int64_t heads,
                                                    int64_t kernel_size)>
      mixer;
};

// Keys: encoder.embed_tokens, (decoder.embed_tokens), encoder.layers.I, decoder.layers.I,
// (encoder.layer_norm), (decoder.layer_norm).
class FairseqSeq2Seq : public EncoderDecoder {
 public:
  EncodedText encode(const TextInput& input) override;
  torch::Tensor decode(const torch::Tensor& decoder_input_ids, const torch::Tensor& decoder_mask,
                       const EncodedText& encoded, DecoderCache* cache) override;
  torch::Tensor logits(const torch::Tensor& hidden) override;

  Json config() const override { return to_json(config_); }
  std::vector<std::string> head_modules() const override { return {}; }
  int64_t layer_id(const std::string& parameter) const override;
  int64_t layer_count() const override {
    return config_.encoder_layers + config_.decoder_layers + 2;
  }
  WeightPlace place_weight(const std::string& in_file) const override;
  int64_t vocab_size() const override { return config_.decoder_vocab_size; }
  int64_t source_vocab_size() const override { return config_.vocab_size; }
  int64_t decoder_layers() const override { return config_.decoder_layers; }
  int64_t max_positions() const override { return config_.max_positions; }
  int64_t pad_token_id() const override { return config_.pad_token_id; }
  int64_t eos_token_id() const override { return config_.eos_token_id; }
  int64_t decoder_start_token_id() const override { return *config_.decoder_start_token_id; }

 protected:
  FairseqSeq2Seq(const FairseqDesign& design, const FairseqSeq2SeqConfig& config);

 private:
  struct Stack {
    torch::nn::Embedding embed_tokens{nullptr};
    std::vector<nn::TransformerLayer> layers;
    torch::nn::LayerNorm layer_norm{nullptr};
  };
  Stack stack(const FairseqDesign& design, const char* name, bool decoder);
  torch::Tensor embed(Stack& stack, const torch::Tensor& ids, const torch::Tensor& mask,
                      int64_t first);

  FairseqSeq2SeqConfig config_;
  Stack encoder_, decoder_;
};

}  // namespace braid::models
