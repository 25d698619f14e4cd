#include "braid/text/utf8.h"

#include <algorithm>
#include <cstring>

namespace braid::text {
namespace {

constexpr char kReplacement[] = "\xEF\xBF\xBD";

// Bytes from `at` on that are ASCII, in steps of eight.
size_t ascii_bytes(std::string_view text, size_t at) {
  const size_t start = at;
  while (at + 8 <= text.size()) {
    uint64_t word;
    std::memcpy(&word, text.data() + at, 8);
    if (word & 0x8080808080808080u) break;
    at += 8;
  }
  return at - start;
}

}  // namespace

int64_t count_code_points(std::string_view text, size_t bytes) {
  const auto part = text.substr(0, bytes);
  return std::count_if(part.begin(), part.end(), starts_code_point);
}

Subpart next_subpart(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(at);
  if (first < 0x80) return {1, true};
  if (first < 0xC2 || first > 0xF4) return {1, false};
  const uint32_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  // No overlong forms, no surrogates, nothing above U+10FFFF: the second byte shows them.
  uint8_t least = 0x80, most = 0xBF;
  if (first == 0xE0) least = 0xA0;
  if (first == 0xED) most = 0x9F;
  if (first == 0xF0) least = 0x90;
  if (first == 0xF4) most = 0x8F;
  for (uint32_t k = 1; k < length; ++k) {
    if (at + k >= text.size() || byte(at + k) < least || byte(at + k) > most) return {k, false};
    least = 0x80;
    most = 0xBF;
  }
  return {length, true};
}

size_t valid_utf8(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    at += ascii_bytes(text, at);
    if (at >= text.size()) break;
    const auto part = next_subpart(text, at);
    if (!part.valid) break;
    at += part.bytes;
  }
  return at;
}

RepairedText repair_utf8(std::string_view text) {
  RepairedText out;
  out.text.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const auto part = next_subpart(text, at);
    if (part.valid)
      out.text.append(text, at, part.bytes);
    else
      out.text.append(kReplacement);
    at += part.bytes;
    if (!part.valid) out.steps.push_back({out.text.size(), at});
  }
  return out;
}

size_t RepairedText::original(size_t repaired) const {
  const auto next = std::upper_bound(steps.begin(), steps.end(), repaired,
                                     [](size_t at, const Step& s) { return at < s.repaired; });
  if (next == steps.begin()) return repaired;
  const auto& step = *std::prev(next);
  return step.original + (repaired - step.repaired);
}

Decoded decode_utf8_before(std::string_view text, size_t end) {
  size_t at = end - 1;
  while (at > 0 && !starts_code_point(text[at])) --at;
  return decode_utf8(text.data() + at);
}

void append_utf8(std::string& text, char32_t code) {
  const auto put = [&](char32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

}  // namespace braid::text
