// What changes the scores of the next tokens before one is taken, as transformers' logits
// processors do.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "braid/decoding/token_rules.h"
#include "braid/generate/generation_config.h"
#include "braid/torch.h"

namespace braid::generate {

using decoding::TokenIds;

class LogitsProcessor {
 public:
  virtual ~LogitsProcessor() = default;
  // scores: [R,V] float32, changed in place; written: what each of the R rows has so far, with the
  // start token, all of one length.
  virtual void apply(const std::vector<TokenIds>& written, torch::Tensor& scores) const = 0;
};
using LogitsProcessors = std::vector<std::unique_ptr<LogitsProcessor>>;

// Those that the settings ask for, in transformers' order, which matters. max_length: with the
// start token. Throws ConfigError for a token outside the vocabulary.
LogitsProcessors make_processors(const GenerationConfig& config, int64_t max_length,
                                 int64_t vocab_size);
void apply(const LogitsProcessors& processors, const std::vector<TokenIds>& written,
           torch::Tensor& scores);

}  // namespace braid::generate
