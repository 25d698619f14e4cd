// A text as the numbers that an encoder-decoder reads or learns to write.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "braid/text/tokenizer.h"

namespace braid::text {

// The beginning of a text: so many bytes, less what would be a part of a code point.
std::string_view beginning_of(std::string_view text, uint64_t max_bytes);

// How a text becomes a sequence: its tokens, and the end token.
struct SequenceFormat {
  int32_t pad = 0, eos = 0;
  int32_t decoder_start = 0;  // stands before a target
  int64_t max_length = 0;     // tokens, the end token too; what is longer is cut; 0: any
};
// Of a text no more bytes are read.
uint64_t most_bytes_of(const SequenceFormat& format);

struct Sequence {
  std::vector<int32_t> ids;
  bool cut = false;
};
Sequence make_sequence(std::string_view text, const Tokenizer& tokenizer,
                       const SequenceFormat& format);
// Whether the tokenizer left nothing of a text: out of the end token alone a model would make
// something up.
bool has_no_words(const Sequence& sequence);
// Of a text that the model is to write: see Tokenizer::encode_target().
Sequence make_target_sequence(std::string_view text, const Tokenizer& tokenizer,
                              const SequenceFormat& format);

}  // namespace braid::text
