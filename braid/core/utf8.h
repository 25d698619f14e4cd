// Texts whose bytes are not what they should be.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace braid {

// Bytes of the well-formed UTF-8 at the beginning; all of them where the text is valid.
size_t valid_utf8_prefix(std::string_view text);

// The text with U+FFFD in place of what is no UTF-8, one for each maximal subpart, as Unicode
// recommends and Python's errors="replace" does.
std::string replace_invalid_utf8(std::string_view text);

}  // namespace braid
