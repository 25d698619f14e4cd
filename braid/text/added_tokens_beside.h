// Tokens that were added to a vocabulary after it was learned: a vocab.txt or vocab.json does not
// have them, files beside it do.
#pragma once
#include <filesystem>

#include "braid/core/json.h"

namespace braid::text {

// Puts them into the tokenizer.json that was made of the vocabulary: those that stand in
// `added_tokens_decoder` of tokenizer_config.json or, as an older transformers saved them, in
// added_tokens.json. folder: the vocabulary's; config: its tokenizer_config.json, or null. Throws
// DataError naming the file and the field.
void add_tokens_beside(const std::filesystem::path& folder, const Json& config,
                       Json& tokenizer_json);

}  // namespace braid::text
