// Which pairs of symbols are joined: the training that WordPiece and BPE share.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "braid/text/aligned_text.h"
#include "braid/text/pre_tokenizer.h"
#include "braid/text/text_source.h"

namespace braid::text {

struct CountedWord {
  std::string text;
  int64_t count;
};
// The words of all texts, in the order of their bytes. normalize: of a text, which it may keep.
std::vector<CountedWord> count_words(
    const TextSource& texts, const std::vector<PreTokenizer>& pre_tokenizers,
    const std::function<void(const std::string&, AlignedText&)>& normalize);

struct SymbolWord {
  std::vector<int32_t> symbols;  // numbers of tokens
  int64_t count;
};
struct LearnedMerge {
  int32_t left, right;
};
// Joins the most frequent pair, of equally frequent ones that of the smallest numbers, until there
// are vocab_size tokens or no pair is as frequent as min_frequency. Appends to `tokens`.
// prefix: what a token has in front where it continues a word.
std::vector<LearnedMerge> learn_merges(std::vector<SymbolWord> words,
                                       std::vector<std::string>& tokens, int64_t vocab_size,
                                       int64_t min_frequency, const std::string& prefix);

}  // namespace braid::text
