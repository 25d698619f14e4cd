// Texts made worse on purpose, in known steps.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace braid::evaluate {

constexpr int64_t kTextSeverities = 5;

// "typos", "word_drop", "word_order", "truncation", "case"
const std::vector<std::string>& text_corruptions();

// severity: 1 (slight) to 5 (severe). seed: of the places; the same seed gives the same text, and
// the places of a smaller severity are among those of a greater one.
//   typos       of 2, 5, 10, 15, 25% of the letters: one changes places with the next, is left out,
//               doubled, or becomes that of a neighbouring key
//   word_drop   10, 20, 30, 40, 60% of the words are left out, never all
//   word_order  10, 25, 50, 75, 100% of the words change places with each other
//   truncation  the first 90, 75, 50, 35, 20% of the words stay, at least one
//   case        10, 25, 50, 75, 100% of the words: letters a-z become capitals, capitals small
// Words are what white space separates; what is not changed stays to the byte. Throws InternalError
// for an unknown name or severity.
std::string corrupt_text(std::string_view text, const std::string& name, int64_t severity,
                         uint64_t seed);

}  // namespace braid::evaluate
