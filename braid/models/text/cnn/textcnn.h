// TextCNN: convolutions of several sizes over the words of a text, the maximum of each over the
// text, and a classifier.
//
// Paper: Kim, https://arxiv.org/abs/1408.5882 (CNN-rand, all words learned)
// Reference: https://github.com/yoonkim/CNN_sentence (Theano, no licence; read, not copied).
// Differences: every window is centred at a token, so that a token has one vector and a text
// shorter than a window is no special case (Kim pads a text by the largest window less one on both
// sides); padding is never part of a maximum, so that a text's result does not depend on its batch;
// no constraint on the norm of the classifier's weights.
#pragma once
#include "braid/models/registry.h"
#include "braid/models/text/headed_text_encoder.h"
#include "braid/models/text/text_encoder_of.h"
#include "braid/nn/conv/text_convs.h"

namespace braid::models {

struct TextCnnConfig {
  int64_t vocab_size = 30522;
  int64_t pad_token_id = 0;
  std::string head = "none";
  int64_t num_labels = 2;
  int64_t embed_dim = 300;
  std::vector<int64_t> kernel_sizes = {3, 4, 5};  // tokens of a window
  int64_t num_filters = 100;                      // of each size
  double embed_dropout = 0;                       // of the embeddings
  double dropout = 0.5;                           // before the classifier
  void visit(FieldVisitor& v);
};

// Keys: embeddings.word_embeddings, convs.I, the head.
class TextCnn : public TextEncoderOf<TextCnnConfig, HeadedTextEncoder> {
 public:
  explicit TextCnn(const TextCnnConfig& config);
  torch::Tensor forward_features(const TextInput& input) override;
  torch::Tensor pool(const torch::Tensor& features, const TextInput& input) override;
  int64_t max_positions() const override { return 0; }
  std::vector<std::string> no_weight_decay() const override;
  int64_t layer_id(const std::string& parameter) const override;
  int64_t layer_count() const override { return 3; }

  torch::nn::Embedding words{nullptr};
  nn::TextConvs convs{nullptr};
};

void add_textcnn(Registry& table);

}  // namespace braid::models
