#include "braid/core/utf8.h"

#include <cstdint>

namespace braid {
namespace {

struct Sequence {
  size_t bytes = 0;  // of the sequence, or of the part of one that is well-formed so far
  bool whole = false;
};

// What begins at `at`, by the table of well-formed sequences (Unicode 3.9).
Sequence sequence_at(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(at);
  if (first < 0x80) return {1, true};
  if (first < 0xc2 || first > 0xf4) return {1, false};
  const size_t length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  uint8_t low = 0x80, high = 0xbf;  // of the second byte
  if (first == 0xe0) low = 0xa0;
  if (first == 0xed) high = 0x9f;
  if (first == 0xf0) low = 0x90;
  if (first == 0xf4) high = 0x8f;
  for (size_t k = 1; k < length; ++k) {
    if (at + k >= text.size() || byte(at + k) < low || byte(at + k) > high) return {k, false};
    low = 0x80, high = 0xbf;
  }
  return {length, true};
}

}  // namespace

size_t valid_utf8_prefix(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const auto sequence = sequence_at(text, at);
    if (!sequence.whole) break;
    at += sequence.bytes;
  }
  return at;
}

std::string without_controls(std::string_view text) {
  constexpr uint8_t kSpace = 0x20, kDelete = 0x7F;
  constexpr const char* kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte >= kSpace && byte != kDelete)
      out += c;
    else if (c == '\n')
      out += "\\n";
    else if (c == '\t')
      out += "\\t";
    else if (c == '\r')
      out += "\\r";
    else
      out += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return out;
}

std::string replace_invalid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const size_t valid = valid_utf8_prefix(text.substr(at));
    out.append(text.substr(at, valid));
    at += valid;
    if (at == text.size()) break;
    out += "\xef\xbf\xbd";
    at += sequence_at(text, at).bytes;
  }
  return out;
}

}  // namespace braid
