// The contract of networks that write a text for a text.
#pragma once
#include <memory>
#include <string_view>
#include <vector>

#include "braid/models/text/text_model.h"
#include "braid/nn/attention/key_value_cache.h"

namespace braid::models {

// Of the encoder, once per batch.
struct EncodedText {
  torch::Tensor hidden;          // [B,M,D]
  torch::Tensor attention_mask;  // [B,M] bool, true: a token; undefined: all are
};

// What a decoder keeps of the positions before: one entry per decoder layer.
struct DecoderCache {
  std::vector<nn::KeyValueCache> self, cross;
  int64_t length = 0;  // positions seen
};

// vocab_size() is the decoder's.
class EncoderDecoder : public TextModel {
 public:
  static constexpr std::string_view kKind = "encoder-decoder";

  // The input's token_type_ids are not used. Throws DataError for a number outside the vocabulary
  // or a text longer than max_positions().
  virtual EncodedText encode(const TextInput& input) = 0;
  // decoder_input_ids: [B,N]; decoder_mask: [B,N], not zero: a token; undefined: all are. Every
  // position sees those before it. With a cache the ids are those after its L positions, theirs are
  // added, and the mask is of all of them, [B,L+N]. There may be several rows, one after the other,
  // for each row of `encoded`: as many for each. Returns hidden states [B,N,D].
  virtual torch::Tensor decode(const torch::Tensor& decoder_input_ids,
                               const torch::Tensor& decoder_mask, const EncodedText& encoded,
                               DecoderCache* cache = nullptr) = 0;
  // [...,D] -> [...,V].
  virtual torch::Tensor logits(const torch::Tensor& hidden) = 0;
  virtual int64_t source_vocab_size() const = 0;
  virtual int64_t decoder_layers() const = 0;
  virtual int64_t decoder_start_token_id() const = 0;
  virtual int64_t eos_token_id() const = 0;
};
using EncoderDecoderPtr = std::shared_ptr<EncoderDecoder>;

}  // namespace braid::models
