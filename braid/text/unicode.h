// What `tokenizers` of Hugging Face holds of a code point. It mixes five versions of Unicode, so
// the table is made from its own answers (scripts/unicode_table.py).
#pragma once
#include <cstdint>

namespace braid::text {

enum CodePointFlag : uint16_t {
  kRemoved = 1 << 0,    // BERT's cleaning drops it: control, format, private use, U+0000, U+FFFD
  kSpace = 1 << 1,      // BERT's cleaning makes a space of it
  kWhite = 1 << 2,      // white space, where words end
  kPunct = 1 << 3,      // a word of its own for BERT
  kCjk = 1 << 4,        // an ideograph, around which BERT puts spaces
  kMn = 1 << 5,         // an accent, which BERT strips
  kWord = 1 << 6,       // \w of regular expressions
  kLetter = 1 << 7,     // \p{L}
  kNumber = 1 << 8,     // \p{N}
  kBreak = 1 << 9,      // \s
  kUpper = 1 << 10,     // \p{Lu} or \p{Lt}
  kLower = 1 << 11,     // \p{Ll}
  kCaseless = 1 << 12,  // \p{Lm} or \p{Lo}
  kMark = 1 << 13,      // \p{M}
};

struct CodePoint {
  uint16_t flags;
  uint8_t combining;      // class of canonical reordering
  int32_t lower;          // added to it: its lower case
  uint16_t lower_second;  // a second code point of the lower case, 0: none
  uint16_t decomposed;    // where its canonical decomposition stands, see decomposition()
  uint8_t length;         // of that; 0: none, or that of a Hangul syllable
};

// code: at most U+10FFFF.
const CodePoint& code_point(char32_t code);
inline bool has_flag(char32_t code, int flags) { return (code_point(code).flags & flags) != 0; }
const uint32_t* decomposition(const CodePoint& point);

constexpr char32_t kFirstHangul = 0xAC00, kLastHangul = 0xD7A3;
inline bool is_hangul_syllable(char32_t code) {
  return code >= kFirstHangul && code <= kLastHangul;
}

}  // namespace braid::text
