// Batches of tagged sentences: tokenized, cut, padded, the tags laid over the tokens.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "braid/data/collate.h"
#include "braid/data/text/tagged_text.h"
#include "braid/text/tokenizer.h"

namespace braid::data {

inline constexpr int64_t kNoTag = -100;  // of labels, Hugging Face's
// [B,N] int64: the number of the word whose first token it is; -1: of none.
inline constexpr const char* kWordIds = "word_ids";

// Tokens of a sentence that is given in words.
struct WordTokens {
  std::vector<int32_t> ids, type_ids;
  // The position of each word's first token; -1: it was cut away, or the tokenizer makes no token
  // of it.
  std::vector<int64_t> first_tokens;
  int64_t truncated = 0;  // tokens that were cut away
};
// The words with a space between; max_length: tokens, the special ones too; 0: any.
WordTokens tokenize_words(const std::vector<std::string>& words, const text::Tokenizer& tokenizer,
                          int64_t max_length);

class TaggedCollate final : public Collate {
 public:
  // Throws ConfigError for a length without room for a word.
  TaggedCollate(TaggedTextsPtr texts, text::TokenizerPtr tokenizer, int64_t max_length);

  // input_ids, attention_mask, token_type_ids, labels, word_ids [B,N] int64. A word's first token
  // has its tag, other tokens -100 (run_ner.py's default).
  Batch operator()(const std::vector<int64_t>& indices, const Place& place,
                   BadSamples& bad) const override;
  // Tokenizes every sentence once, in `threads` threads, so that cut() knows. Those that cannot be
  // read are left to the batches.
  void count_cut(int64_t threads);
  CutExamples cut() const override { return cut_; }

 private:
  TaggedTextsPtr texts_;
  text::TokenizerPtr tokenizer_;
  int64_t max_length_;
  CutExamples cut_;
};

}  // namespace braid::data
