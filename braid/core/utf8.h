// Texts whose bytes are not what they should be.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace braid {

// Bytes of the well-formed UTF-8 at the beginning; all of them where the text is valid.
size_t valid_utf8_prefix(std::string_view text);

// Whether a byte of valid UTF-8 is a code point's first one.
inline bool starts_code_point(char byte) { return (static_cast<uint8_t>(byte) & 0xC0) != 0x80; }

// The text with U+FFFD in place of what is no UTF-8, one for each maximal subpart, as Unicode
// recommends and Python's errors="replace" does.
std::string replace_invalid_utf8(std::string_view text);

// The text on one line, for people: control characters as C writes them (\n, \t, \x1b), so that a
// file's name neither breaks a list nor commands a terminal.
std::string without_controls(std::string_view text);

}  // namespace braid
