// The words of a text that nobody has split.
#pragma once
#include <string_view>
#include <vector>

#include "braid/text/tokenizer.h"

namespace braid::data {

// What white space separates. Brackets, quotes and , ; : ! ? at the ends of that are words of their
// own, as they are in tagged data; within it they are not: "O'Brien", "10:30". A period stays with
// what it follows, since it may belong to it: "St.", "U.S.".
std::vector<text::Span> split_words(std::string_view text);

}  // namespace braid::data
