// Bytes as text, for what only holds text: JSON, metadata.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace braid {

// RFC 4648, with padding.
std::string to_base64(const std::vector<uint8_t>& bytes);

// With padding or without, of the alphabet for URLs too. Nothing where a character is of neither
// alphabet, or the last byte is not whole.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace braid
