// A tokenized line as a user reads it.
#pragma once
#include <string>
#include <string_view>

#include "braid/core/json.h"
#include "braid/text/tokenizer.h"

namespace braid::text {

// Spans in code points instead of bytes; each maximal subpart that is no UTF-8 counts as one.
// spans: of this text.
std::vector<Span> code_point_spans(std::string_view text, const std::vector<Span>& spans);

struct TokenRowOptions {
  EncodeOptions encode;
  bool offsets_in_bytes = false;  // else in code points, as Hugging Face's
};
// {"ids", "tokens", "offsets", "type_ids", "special_tokens", "words", "truncated"}
Json token_row(const Tokenizer& tokenizer, std::string_view line, const TokenRowOptions& options);
// The tokens, with spaces between.
std::string token_line(const Tokenizer& tokenizer, std::string_view line,
                       const TokenRowOptions& options);

}  // namespace braid::text
