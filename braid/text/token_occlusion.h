// What a classifier of texts says while one token after the other is hidden: it takes no gradients,
// so whatever computes can be asked (Li et al. 2016, "Understanding Neural Networks through
// Representation Erasure").
#pragma once
#include <cstdint>
#include <functional>
#include <vector>

#include "braid/text/tokenizer.h"

namespace braid::text {

// Logits [R,K] of R texts, row by row, that are all as long as the text that is explained, and have
// its type_ids.
using TokenIds = std::vector<std::vector<int32_t>>;
using LogitsOfTokens = std::function<std::vector<std::vector<float>>(const TokenIds& rows)>;

struct TokenOcclusion {
  std::vector<float> logits;               // [K], of the text as it is
  std::vector<std::vector<float>> hidden;  // [N][K], while that token is hidden
  std::vector<float> all_hidden;           // [K], while all are

  // What hiding a token takes from the class's logit, [N]; 0 of those that are never hidden.
  std::vector<double> attributions(int64_t class_index) const;
  // The same of all at once.
  double total(int64_t class_index) const;
  int64_t likeliest() const;                      // class
  double probability(int64_t class_index) const;  // of the text as it is
};

// A token is hidden by another in its place, which is attended to: the tokenizer's mask, else its
// padding, else what stands for unknown ones. Tokens that were added around the texts stay. batch:
// rows that logits_of gets at most. Throws DataError for a text without a token, where the
// tokenizer has none of the three, and for logits that are not finite.
TokenOcclusion occlude_tokens(const Encoding& encoding, const SpecialTokens& special, int64_t batch,
                              const LogitsOfTokens& logits_of);

}  // namespace braid::text
