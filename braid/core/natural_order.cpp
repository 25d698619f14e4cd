#include "braid/core/natural_order.h"

#include <locale.h>
#include <wctype.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <utility>
#include <vector>

namespace braid {
namespace {

// A byte that is no UTF-8 becomes this plus the byte, as Python's surrogateescape makes it.
constexpr char32_t kStrayByte = 0xdc00;

// The zeros of Unicode's decimal digits (category Nd); nine follow each.
constexpr char32_t kZeros[] = {
    0x30,    0x660,   0x6f0,   0x7c0,   0x966,   0x9e6,   0xa66,   0xae6,   0xb66,   0xbe6,
    0xc66,   0xce6,   0xd66,   0xde6,   0xe50,   0xed0,   0xf20,   0x1040,  0x1090,  0x17e0,
    0x1810,  0x1946,  0x19d0,  0x1a80,  0x1a90,  0x1b50,  0x1bb0,  0x1c40,  0x1c50,  0xa620,
    0xa8d0,  0xa900,  0xa9d0,  0xa9f0,  0xaa50,  0xabf0,  0xff10,  0x104a0, 0x10d30, 0x11066,
    0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x11730, 0x118e0,
    0x11950, 0x11c50, 0x11d50, 0x11da0, 0x16a60, 0x16ac0, 0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2,
    0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0};

// The value of a decimal digit, else -1.
int digit_value(char32_t c) {
  const auto* above = std::upper_bound(std::begin(kZeros), std::end(kZeros), c);
  if (above == std::begin(kZeros)) return -1;
  const char32_t distance = c - *(above - 1);
  return distance < 10 ? static_cast<int>(distance) : -1;
}

char32_t lower(char32_t c) {
  if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
  static const locale_t kUnicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  if (kUnicode == nullptr) return c;
  return static_cast<char32_t>(towlower_l(static_cast<wint_t>(c), kUnicode));
}

std::u32string code_points(const std::string& text) {
  std::u32string out;
  for (size_t i = 0; i < text.size();) {
    const auto byte = [&](size_t at) { return static_cast<unsigned char>(text[at]); };
    const unsigned char first = byte(i);
    const size_t length = first < 0x80             ? 1
                          : (first & 0xe0) == 0xc0 ? 2
                          : (first & 0xf0) == 0xe0 ? 3
                          : (first & 0xf8) == 0xf0 ? 4
                                                   : 0;
    bool whole = length > 0 && i + length <= text.size();
    char32_t c = length <= 1 ? first : first & (0xffu >> (length + 1));
    for (size_t k = 1; whole && k < length; ++k) {
      whole = (byte(i + k) & 0xc0) == 0x80;
      c = c << 6 | (byte(i + k) & 0x3f);
    }
    out.push_back(whole ? c : kStrayByte + first);
    i += whole ? length : 1;
  }
  return out;
}

void append_utf8(std::string& out, char32_t c) {
  const auto put = [&](char32_t byte) { out += static_cast<char>(byte); };
  if (c >= kStrayByte + 0x80 && c <= kStrayByte + 0xff) {
    put(c - kStrayByte);
  } else if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xc0 | c >> 6), put(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    put(0xe0 | c >> 12), put(0x80 | (c >> 6 & 0x3f)), put(0x80 | (c & 0x3f));
  } else {
    put(0xf0 | c >> 18), put(0x80 | (c >> 12 & 0x3f)), put(0x80 | (c >> 6 & 0x3f)),
        put(0x80 | (c & 0x3f));
  }
}

// Text and number in turns, text first; a number without its leading zeros, so that the longer one
// is the larger one.
std::vector<std::u32string> parts_of(const std::string& name) {
  std::vector<std::u32string> parts = {U""};
  for (const char32_t c : code_points(name)) {
    const int value = digit_value(c);
    const bool in_number = parts.size() % 2 == 0;
    if ((value >= 0) != in_number) parts.emplace_back();
    if (value < 0)
      parts.back() += lower(c);
    else
      parts.back() += static_cast<char32_t>(value);
  }
  for (size_t i = 1; i < parts.size(); i += 2)
    parts[i].erase(0, std::min(parts[i].find_first_not_of(char32_t{0}), parts[i].size()));
  if (parts.size() % 2 == 0) parts.emplace_back();  // as re.split leaves an empty text at the end
  return parts;
}

}  // namespace

bool natural_less(const std::string& a, const std::string& b) {
  const auto first = parts_of(a), second = parts_of(b);
  for (size_t i = 0; i < std::min(first.size(), second.size()); ++i) {
    const bool number = i % 2 == 1;
    if (number && first[i].size() != second[i].size()) return first[i].size() < second[i].size();
    if (first[i] != second[i]) return first[i] < second[i];
  }
  if (first.size() != second.size()) return first.size() < second.size();
  return a < b;
}

std::string to_lower(const std::string& text) {
  std::string out;
  for (const char32_t c : code_points(text)) append_utf8(out, lower(c));
  return out;
}

}  // namespace braid
