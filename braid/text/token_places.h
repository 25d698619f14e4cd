// Where the tokens of one text, or of two that are judged together, stand in them.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "braid/text/tokenizer.h"

namespace braid::text {

struct TokenPlace {
  // 0: of the text, 1: of the second one; unset: added around them, as its places are.
  std::optional<int64_t> sequence{};
  std::optional<int64_t> start{}, end{};  // in its text, code points, half-open
};
// Of each token. encoding: of this text, and of the pair where it has a pair_begin.
std::vector<TokenPlace> token_places(const Encoding& encoding, std::string_view text,
                                     std::string_view pair = {});

}  // namespace braid::text
