// Texts from an encoder-decoder: greedy search, beam search and sampling, token for token those of
// `generate` in Hugging Face transformers.
#pragma once
#include <cstdint>
#include <functional>
#include <stop_token>
#include <vector>

#include "braid/generate/generation_config.h"
#include "braid/models/text/encoder_decoder.h"

namespace braid::generate {

struct Hypothesis {
  std::vector<int64_t> ids;  // without the start token; the end token is the last where it came
  // sum of the tokens' log-probabilities / length^length_penalty, the length that of ids. Under
  // beam search the log-probabilities are those that the processors left.
  double score = 0;
};

struct SearchArgs {
  // Asked between steps; a search that is told to stop returns no texts at all.
  std::stop_token stop = {};
  // A number for each row, such as its line in a file: what is drawn for it depends on this number
  // and the seed alone, not on what else is in the batch. Empty: 0, 1, ...
  std::vector<int64_t> numbers = {};
};

// For each row of the input num_return_sequences hypotheses, the best first; of sampling without
// beams, in the order in which they were drawn. What a row gives does not depend on the others.
//
// Runs the model as it is (call eval() first) without gradients, under the caller's autocast; where
// the input is, there it computes. Texts of similar length in one batch take the least time; the
// rows of finished texts leave the batch. Throws ConfigError for a setting (see check()), DataError
// for an input that is too long or has a number outside the vocabulary, and where the model's
// output is not finite.
std::vector<std::vector<Hypothesis>> generate(models::EncoderDecoder& model,
                                              const models::TextInput& input,
                                              const GenerationConfig& config,
                                              const SearchArgs& args = {});

// What transformers returns: [rows * num_return_sequences, longest] int64, each row with the start
// token, filled up with the pad token (the end token where the pad token is 0, under beam search).
torch::Tensor to_sequences(const std::vector<std::vector<Hypothesis>>& texts,
                           const GenerationConfig& config, const models::EncoderDecoder& model);

}  // namespace braid::generate
