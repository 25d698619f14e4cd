// What the settings say of a text's next token before one is taken, whatever the model says: the
// logits processors of transformers that draw nothing.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "braid/decoding/generation_config.h"

namespace braid::decoding {

using TokenIds = std::vector<int64_t>;

// In the order in which it changes the scores.
struct TokenVerdict {
  TokenIds penalized;  // each once: scores above 0 are divided by the penalty, others multiplied
  TokenIds forbidden;  // -inf
  std::optional<int64_t> forced = {};  // 0, and all others -inf; hangs on the length alone
};

class TokenRules {
 public:
  // max_length: with the start token. config: within its ranges, without a conflict_of() or a
  // token_fault_of().
  TokenRules(const GenerationConfig& config, int64_t max_length);

  // Whether there are any.
  bool any() const;
  double repetition_penalty() const { return repetition_penalty_; }
  // written: what the text has so far, with the start token.
  TokenVerdict verdict(const TokenIds& written) const;
  // The same done to the scores, one of each word.
  void apply(const TokenIds& written, float* scores, int64_t words) const;

 private:
  void forbid_repeated(const TokenIds& written, TokenIds& forbidden) const;

  double repetition_penalty_;
  size_t ngram_size_;
  TokenIds bad_tokens_;
  std::vector<TokenIds> bad_sequences_;
  int64_t min_length_;
  TokenIds ends_;
  std::optional<int64_t> first_, last_;
  int64_t max_length_;
};

}  // namespace braid::decoding
