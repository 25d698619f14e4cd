// A text for a text: greedy search and beam search, token for token those of Hugging Face
// transformers' generate, and of generate/search.h, which computes with LibTorch.
#pragma once
#include <cstdint>
#include <vector>

#include "braid/decoding/generation_config.h"
#include "braid/runner/encoder_decoder.h"

namespace braid::runner {

struct WrittenText {
  std::vector<int64_t> ids;  // without the start token; the end token is the last where it came
  // sum of the tokens' log-probabilities / length^length_penalty, the length that of ids. Under
  // beam search the log-probabilities are those that the settings left.
  double score = 0;
};

// The best text for the tokens of `source`, at least one. config: the model's generation(), with
// another num_beams or max_length perhaps. With a decoder with past each token is computed once,
// without one it computes those before it again: the text is the same. Throws DataError where the
// model's output is not finite.
WrittenText write_text(EncoderDecoder& model, const std::vector<int64_t>& source,
                       const decoding::GenerationConfig& config);

}  // namespace braid::runner
