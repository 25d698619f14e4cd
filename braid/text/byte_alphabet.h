// GPT-2's alphabet of bytes: a printable code point for each, so that a vocabulary is text.
#pragma once
#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace braid::text {

const std::array<char32_t, 256>& byte_alphabet();
// The bytes; none where a code point is not in the alphabet. text: valid UTF-8.
std::optional<std::string> from_byte_alphabet(std::string_view text);

}  // namespace braid::text
