// LightConv: a Transformer whose self-attention is a lightweight or dynamic convolution; its
// encoder as one of texts, and the whole as an encoder-decoder (which has cross-attention all the
// same).
//
// Paper: Wu et al., https://arxiv.org/abs/1901.10430
// Reference: LightConvEncoder and LightConvModel of fairseq (MIT); same keys.
// Differences: those of FairseqEncoder, FairseqSeq2Seq and nn::LightweightConv.
#pragma once
#include <string>
#include <vector>

#include "braid/models/registry.h"
#include "braid/models/text/fairseq_encoder.h"
#include "braid/models/text/fairseq_seq2seq.h"
#include "braid/models/text/text_encoder_of.h"

namespace braid::models {

// fairseq's names.
struct LightConvConfig {
  int64_t vocab_size = 30522;
  int64_t pad_token_id = 1;
  std::string head = "none";
  int64_t num_labels = 2;
  int64_t encoder_embed_dim = 512;
  int64_t encoder_ffn_embed_dim = 1024;
  int64_t encoder_layers = 7;
  int64_t encoder_attention_heads = 4;                                         // kernels of a layer
  std::string encoder_conv_type = "lightweight";                               // "dynamic"
  std::vector<int64_t> encoder_kernel_size_list = {3, 7, 15, 31, 31, 31, 31};  // tokens, by layer
  bool encoder_glu = false;
  bool weight_softmax = true;
  bool encoder_normalize_before = false;
  double dropout = 0.1;  // of embeddings and branches
  double relu_dropout = 0;
  double input_dropout = 0;   // of what enters a convolution's block
  double weight_dropout = 0;  // of the kernels
  double classifier_dropout = 0.1;
  int64_t max_source_positions = 1024;
  void visit(FieldVisitor& v);
};

class LightConv : public TextEncoderOf<LightConvConfig, FairseqEncoder> {
 public:
  explicit LightConv(const LightConvConfig& config);
};

class LightConvSeq2Seq : public FairseqSeq2Seq {
 public:
  explicit LightConvSeq2Seq(const FairseqSeq2SeqConfig& config);
};

void add_lightconv(Registry& table);

}  // namespace braid::models
