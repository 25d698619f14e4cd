// BERT with convolutions in front: what a token's neighbours say is part of its vector before the
// first layer of attention.
//
// Papers: Devlin et al., https://arxiv.org/abs/1810.04805; a convolutional stem before attention:
// Xiao et al., https://arxiv.org/abs/2106.14881 (of images)
// Reference: BertModel and its heads of Hugging Face transformers (Apache-2.0) behind the stem,
// same keys. Differences: the stem, residual blocks of a separable convolution each.
#pragma once
#include <vector>

#include "braid/models/registry.h"
#include "braid/models/text/transformer/bert.h"
#include "braid/nn/block/separable_token_block.h"

namespace braid::models {

struct ConvStemBertConfig : BertConfig {
  int64_t stem_depth = 2;        // blocks of the stem
  int64_t stem_kernel_size = 5;  // tokens, odd
  void visit(FieldVisitor& v);
};

// Keys: Bert's, and bert.stem.I.{norm,depthwise,pointwise}.
class ConvStemBert : public Bert {
 public:
  explicit ConvStemBert(const ConvStemBertConfig& config);
  Json config() const override;
  bool may_begin_fresh(const std::string& name) const override;

 protected:
  torch::Tensor embed(const TextInput& input) override;

 private:
  ConvStemBertConfig stem_config_;
  std::vector<nn::SeparableTokenBlock> stem_;
};

void add_conv_stem_bert(Registry& table);

}  // namespace braid::models
