// BERT with a TextCNN behind it: convolutions of several sizes over the last hidden states, and the
// maximum of each over the text in the place of the first token's vector.
//
// Papers: Devlin et al., https://arxiv.org/abs/1810.04805; Kim, https://arxiv.org/abs/1408.5882;
// the two in a row for classification: Safaya et al., https://arxiv.org/abs/2007.13184
// Reference: BertModel of Hugging Face transformers (Apache-2.0) below `bert`, same keys; the rest
// is TextCnn's.
// Differences: one layer of states is read (Safaya et al.: the last four).
#pragma once
#include <vector>

#include "braid/models/registry.h"
#include "braid/models/text/transformer/bert.h"
#include "braid/nn/conv/text_convs.h"

namespace braid::models {

struct BertCnnConfig : BertConfig {
  std::vector<int64_t> kernel_sizes = {3, 4, 5};  // tokens of a window
  int64_t num_filters = 100;                      // of each size
  void visit(FieldVisitor& v);
};

// Keys: BertModel's below bert, without a pooler, convs.I, and as the head is classifier,
// token_classifier or qa_outputs.
class BertCnn : public TextEncoderOf<BertCnnConfig, TransformerEncoder> {
 public:
  explicit BertCnn(const BertCnnConfig& config);

  torch::Tensor forward_features(const TextInput& input) override;
  torch::Tensor forward_head(const torch::Tensor& features, const TextInput& input) override;
  // The largest of each feature over the tokens.
  torch::Tensor pool(const torch::Tensor& features, const TextInput& input) override;
  int64_t num_features() const override { return convs->out_features(); }
  std::vector<Part> parts() override;
  WeightPlace place_weight(const std::string& in_file) const override;
  bool may_begin_fresh(const std::string& name) const override;
  int64_t layer_count() const override { return TransformerEncoder::layer_count() + 1; }
  int64_t layer_id(const std::string& parameter) const override;

  nn::TextConvs convs{nullptr};
  torch::nn::Linear classifier{nullptr};  // of any head with labels

 protected:
  HeadParts parts_of(TextHead head) const override;
  void build_head(TextHead head, int64_t num_labels) override;
};

void add_bert_cnn(Registry& table);

}  // namespace braid::models
