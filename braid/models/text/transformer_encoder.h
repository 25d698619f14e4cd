// What BERT and its relatives have in common: embeddings, a list of Transformer layers, and heads
// of which a file may hold another one than the model has.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "braid/models/text/text_embeddings.h"
#include "braid/models/text/text_model.h"
#include "braid/nn/block/transformer_layer.h"

namespace braid::models {

struct TransformerEncoderConfig {
  TextEmbeddingsConfig embeddings = {};
  TextPositions positions = TextPositions::kAbsolute;
  int64_t max_positions = 0;  // tokens of the longest text, 0: any
  int64_t depth = 12;         // layers
  nn::TransformerLayerConfig layer = {};
  // Makes what lets a layer's tokens see each other; empty: attention.
  std::function<std::shared_ptr<nn::TokenMixerImpl>()> mixer = {};
  double drop_path_rate = 0;  // of the last layer
  double init_std = 0.02;
  std::string prefix;  // the module that holds all but the heads
  std::string layers;  // the list of layers below it
};

class TransformerEncoder : public TextEncoder {
 public:
  explicit TransformerEncoder(const TransformerEncoderConfig& body);

  torch::Tensor forward_features(const TextInput& input) override;
  int64_t vocab_size() const override { return body_.embeddings.vocab_size; }
  int64_t pad_token_id() const override { return body_.embeddings.pad_token_id; }
  int64_t max_positions() const override { return body_.max_positions; }
  int64_t num_features() const override { return body_.layer.dim; }
  int64_t token_types() const override { return body_.embeddings.type_vocab_size; }
  bool supports(TextHead head) const override;
  TextHead infer_head(const std::vector<std::string>& names_in_file) const override;
  std::vector<std::string> head_modules() const override { return parts_of(head()).own; }
  bool classifies() const override { return num_labels() > 0; }
  int64_t layer_id(const std::string& parameter) const override;
  int64_t layer_count() const override { return body_.depth + 2; }
  std::vector<Part> parts() override;
  WeightPlace place_weight(const std::string& in_file) const override;
  bool may_begin_fresh(const std::string& name) const override;

  TextEmbeddings embeddings{nullptr};

 protected:
  // Puts this head in the place of the one there is. A constructor calls its own.
  virtual void build_head(TextHead head, int64_t num_labels) = 0;

  // The modules that a head needs.
  struct HeadParts {
    bool supported = false;
    std::vector<std::string> own = {};  // gone with the head
    // What pools, which heads share and which a model that was trained with another head may lack.
    std::vector<std::string> pooling = {};
  };
  virtual HeadParts parts_of(TextHead head) const = 0;
  // Other names of tensors, as files have them of heads that share one with the embeddings.
  virtual std::vector<std::pair<std::string, std::string>> tied_weights() const { return {}; }

  // [B,N,D] of the tokens before the layers.
  virtual torch::Tensor embed(const TextInput& input);

  // A layer of a head, registered below the model, its weights drawn.
  torch::nn::Linear head_linear(const std::string& path, int64_t in, int64_t out);
  torch::nn::LayerNorm head_norm(const std::string& path, int64_t dim);
  // A module with one parameter, `bias`, which is returned: zeros.
  torch::Tensor head_bias(const std::string& path, int64_t count);
  void drop_modules(const std::vector<std::string>& names);
  void drop_body_module(const std::string& name);  // below the prefix
  // In training mode with this probability.
  torch::Tensor dropped(const torch::Tensor& x, double rate) const;
  // [...,dim of the embeddings] -> [...,V], by the words' embeddings.
  torch::Tensor decode_words(const torch::Tensor& x, const torch::Tensor& bias) const;

  const TransformerEncoderConfig& body() const { return body_; }

 private:
  nn::TokenMixerArgs mixer_args(const TextInput& input, const torch::Tensor& x);
  std::string full_name(const std::string& in_file) const;
  std::string part_of(const std::string& name) const;

  TransformerEncoderConfig body_;
  std::shared_ptr<torch::nn::Module> root_;
  torch::nn::Linear embeddings_project_{nullptr};
  torch::nn::Embedding relative_attention_bias_{nullptr};
  std::vector<nn::TransformerLayer> layers_;
};

}  // namespace braid::models
