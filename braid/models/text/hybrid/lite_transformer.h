// Lite Transformer: long-short range attention, which gives half of the channels to attention and
// the other half to a lightweight convolution; its encoder as one of texts, and the whole as an
// encoder-decoder.
//
// Paper: Wu et al., https://arxiv.org/abs/2004.11886
// Reference: https://github.com/mit-han-lab/lite-transformer (MIT), TransformerEncoder and
// TransformerMultibranchModel with two branches; same keys.
// Differences: those of FairseqEncoder, FairseqSeq2Seq and nn::LightweightConv; padding is zero
// after the branch's first layer (in the reference before it, so that its bias reaches the tokens
// beside).
#pragma once
#include <string>
#include <vector>

#include "braid/models/registry.h"
#include "braid/models/text/fairseq_encoder.h"
#include "braid/models/text/fairseq_seq2seq.h"
#include "braid/models/text/text_encoder_of.h"

namespace braid::models {

// The reference's names.
struct LiteTransformerConfig {
  int64_t vocab_size = 30522;
  int64_t pad_token_id = 1;
  std::string head = "none";
  int64_t num_labels = 2;
  int64_t encoder_embed_dim = 160;
  int64_t encoder_ffn_embed_dim = 160;
  int64_t encoder_layers = 6;
  int64_t encoder_attention_heads = 4;    // of the attention, and as many kernels
  std::string conv_type = "lightweight";  // "dynamic"; in encoder_branch_type
  std::vector<int64_t> encoder_kernel_size_list = {3, 7, 15, 31, 31, 31, 31};  // tokens, by layer
  bool encoder_glu = false;  // a gated layer before a dynamic convolution
  bool weight_softmax = true;
  bool encoder_normalize_before = false;
  double dropout = 0.1;  // of embeddings and branches
  double attention_dropout = 0;
  double activation_dropout = 0;
  double weight_dropout = 0;  // of the kernels
  double classifier_dropout = 0.1;
  int64_t max_source_positions = 1024;
  void visit(FieldVisitor& v);
};

class LiteTransformer : public TextEncoderOf<LiteTransformerConfig, FairseqEncoder> {
 public:
  explicit LiteTransformer(const LiteTransformerConfig& config);
};

class LiteTransformerSeq2Seq : public FairseqSeq2Seq {
 public:
  explicit LiteTransformerSeq2Seq(const FairseqSeq2SeqConfig& config);
};

void add_lite_transformer(Registry& table);

}  // namespace braid::models
