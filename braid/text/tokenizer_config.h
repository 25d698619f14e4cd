// What tokenizer_config.json says of how texts are read, beside which tokens there are.
#pragma once
#include <string>

#include "braid/core/json.h"

namespace braid::text {

struct TokenizerConfig {
  bool truncate_left = false;         // truncation_side: texts are cut at their beginning
  bool split_special_tokens = false;  // a special token's name in a text is a text like any other
};

// config: tokenizer_config.json, or null; file: the tokenizer's, for errors. otherwise: what the
// tokenizer's own file says. Throws DataError naming the field.
TokenizerConfig read_tokenizer_config(const Json& config, const std::string& file,
                                      TokenizerConfig otherwise = {});

}  // namespace braid::text
