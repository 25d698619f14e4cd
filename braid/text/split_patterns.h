// Where published byte-level tokenizers cut a text before BPE: each regular expression as a scanner
// of its own, which takes linear time.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace braid::text {

enum class SplitPattern {
  kGpt2,     // GPT-2, RoBERTa, BART, OPT
  kCl100k,   // GPT-4, Llama 3: numbers by three digits
  kQwen2,    // the same, every digit alone
  kO200k,    // GPT-4o: words end where capitals begin
  kTekken,   // Mistral: o200k without contractions, every digit alone
  kDigits3,  // \p{N}{1,3}, everything else stays
  kDigits1,  // \p{N}
};

// The scanner of a regular expression as a tokenizer.json spells it; false: not a known one.
bool find_split_pattern(const std::string& regex, SplitPattern& pattern);
// What is known, for an error's text.
std::string known_split_patterns();

// Bytes of the piece that begins at `at`. text: valid UTF-8.
size_t piece_length(SplitPattern pattern, std::string_view text, size_t at);

}  // namespace braid::text
