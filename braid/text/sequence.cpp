#include "braid/text/sequence.h"

#include <algorithm>
#include <utility>

#include "braid/text/keep_part.h"

namespace braid::text {
namespace {

// A text is not read beyond so many bytes for each token that is kept of it: one line of a whole
// book costs no more than another.
constexpr uint64_t kBytesPerToken = 256;

// Cut to the format's length, with its end token. left: at its beginning.
Sequence ended_sequence(std::vector<int32_t> ids, bool cut, const SequenceFormat& format,
                        bool left) {
  Sequence sequence{.ids = std::move(ids), .cut = cut};
  const auto most = static_cast<size_t>(std::max<int64_t>(format.max_length - 1, 0));
  if (format.max_length > 0 && sequence.ids.size() > most) {
    keep_part(sequence.ids, most, left);
    sequence.cut = true;
  }
  sequence.ids.push_back(format.eos);
  return sequence;
}

// The end of a text: so many bytes, less what would be a part of a code point.
std::string_view end_of(std::string_view text, uint64_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  text.remove_prefix(text.size() - max_bytes);
  for (int i = 0; i < 3 && !text.empty() && (static_cast<uint8_t>(text[0]) & 0xC0) == 0x80; ++i)
    text.remove_prefix(1);
  return text;
}

// encode(part): the encoding of the part of the text that is read, without special tokens.
template <class Encode>
Sequence sequence_of(std::string_view text, const Tokenizer& tokenizer,
                     const SequenceFormat& format, Encode encode) {
  const auto most = most_bytes_of(format);
  const bool left = tokenizer.truncates_left();
  const auto part = left ? end_of(text, most) : beginning_of(text, most);
  return ended_sequence(encode(part).ids, part.size() < text.size(), format, left);
}

}  // namespace

std::string_view beginning_of(std::string_view text, uint64_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  size_t end = max_bytes;
  const auto continues = [&](size_t at) { return (static_cast<uint8_t>(text[at]) & 0xC0) == 0x80; };
  for (int back = 0; back < 3 && end > 0 && continues(end); ++back) --end;
  return text.substr(0, end);
}

uint64_t most_bytes_of(const SequenceFormat& format) {
  constexpr int64_t kMost = int64_t{1} << 48;  // tokens: no text has so many
  if (format.max_length == 0 || format.max_length > kMost) return ~uint64_t{0};
  return kBytesPerToken * static_cast<uint64_t>(format.max_length);
}

Sequence make_sequence(std::string_view text, const Tokenizer& tokenizer,
                       const SequenceFormat& format) {
  return sequence_of(text, tokenizer, format, [&](std::string_view part) {
    return tokenizer.encode(part, {.add_special_tokens = false});
  });
}

bool has_no_words(const Sequence& sequence) { return sequence.ids.size() <= 1 && !sequence.cut; }

Sequence make_target_sequence(std::string_view text, const Tokenizer& tokenizer,
                              const SequenceFormat& format) {
  return sequence_of(text, tokenizer, format, [&](std::string_view part) {
    return tokenizer.encode_target(part, {.add_special_tokens = false});
  });
}

}  // namespace braid::text
