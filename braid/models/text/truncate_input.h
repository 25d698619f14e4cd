// Rows of tokens that are longer than a model reads, made as long.
#pragma once
#include <cstdint>

#include "braid/models/text/text_model.h"

namespace braid::models {

// Whether a row's last token, [SEP] or </s>, stays.
enum class LastToken { kStays, kGoes };

struct TruncatedInput {
  TextInput input;
  int64_t rows = 0;  // that lost tokens
};
// What Hugging Face's truncation=True makes of texts, of their tokens alone: input_ids [B,N] and
// what goes with them become [B,most], most: 0: any. A row loses its padding, then tokens at the
// end of its text, whose last one stays; where token_type_ids tell two texts apart, each keeps its
// last one and the longer one is shortened first. Tensors of other shapes than [B,N] are left to
// check_text_input().
TruncatedInput truncate_input(const TextInput& input, int64_t most,
                              LastToken last = LastToken::kStays);

}  // namespace braid::models
