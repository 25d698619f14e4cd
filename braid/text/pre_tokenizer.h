// Cuts a text into words.
#pragma once
#include <optional>
#include <vector>

#include "braid/text/aligned_text.h"
#include "braid/text/split_patterns.h"

namespace braid::text {

struct PreTokenizer {
  enum class Kind {
    kBert,        // white space is dropped, each sign is a word
    kWhitespace,  // \w+|[^\w\s]+
    kWhiteSplit,  // at white space alone
    kPattern,     // see split_patterns.h
    kDigits,      // each digit, or each run of them, by itself
    kByteLevel,   // words become bytes; with add_prefix_space and perhaps the pattern of GPT-2
  };
  Kind kind = Kind::kBert;
  SplitPattern pattern = SplitPattern::kGpt2;
  bool add_prefix_space = false;  // of kByteLevel: a space before each piece that has none
  bool individual_digits = false;
};

// Cuts `text` by one after the other. May rewrite it: a prefixed space is one.
void pre_tokenize(const std::vector<PreTokenizer>& steps, AlignedText& text,
                  std::vector<Range>& words);

}  // namespace braid::text
