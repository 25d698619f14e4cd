// An encoder-decoder in the middle of its texts: what the decoder keeps of the tokens before, for
// rows that come, go and change places.
#pragma once
#include <cstdint>
#include <vector>

#include "braid/models/text/encoder_decoder.h"

namespace braid::generate {

// Rows belong to texts of the encoder's batch, as many to each, those of a text side by side. What
// the decoder sees of the encoder is there once per text.
class DecoderState {
 public:
  // One row per text.
  DecoderState(models::EncoderDecoder& model, models::EncodedText encoded);
  // tokens: the next one of each row. What may follow: logits [R,V].
  torch::Tensor step(const std::vector<int64_t>& tokens);
  // Goes on with these rows of those that are there, in this order; texts: those whose rows they
  // are, as they are numbered now.
  void select(const std::vector<int64_t>& rows, const std::vector<int64_t>& texts);

 private:
  models::EncoderDecoder& model_;
  models::EncodedText encoded_;
  models::DecoderCache cache_;
  int64_t rows_;
};

}  // namespace braid::generate
