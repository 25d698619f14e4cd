// UTF-8: code points of a text that is known to be valid, and what is made of one that is not.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "braid/core/utf8.h"

namespace braid::text {

struct Decoded {
  char32_t code;
  uint32_t bytes;
};

// Of valid UTF-8 that does not end here.
inline Decoded decode_utf8(const char* at) {
  const auto byte = [at](int i) { return static_cast<char32_t>(static_cast<uint8_t>(at[i])); };
  const char32_t first = byte(0);
  if (first < 0x80) return {first, 1};
  if (first < 0xE0) return {(first & 0x1F) << 6 | (byte(1) & 0x3F), 2};
  if (first < 0xF0) return {(first & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F), 3};
  return {(first & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F),
          4};
}
// Of the first so many bytes of valid UTF-8.
int64_t count_code_points(std::string_view text, size_t bytes);
// The code point that ends before `end`, in valid UTF-8 from `begin` on.
Decoded decode_utf8_before(std::string_view text, size_t end);

void append_utf8(std::string& text, char32_t code);
// Bytes of the valid beginning.
size_t valid_utf8(std::string_view text);

// A text in which each maximal subpart of what is no UTF-8 is U+FFFD, as a decoder of the Unicode
// standard does it.
struct RepairedText {
  struct Step {
    size_t repaired, original;  // positions behind a replacement
  };
  std::string text;
  std::vector<Step> steps;
  size_t original(size_t repaired) const;  // the position in the text as it was
};
RepairedText repair_utf8(std::string_view text);

// Bytes of the code point that starts here, or of the maximal subpart that is none (`valid` false).
struct Subpart {
  uint32_t bytes;
  bool valid;
};
Subpart next_subpart(std::string_view text, size_t at);

}  // namespace braid::text
