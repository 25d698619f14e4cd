// Bytes as text, for images within JSON.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace braid {

// RFC 4648, with padding.
std::string to_base64(const std::vector<uint8_t>& bytes);

}  // namespace braid
