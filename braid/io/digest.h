// Checksums of files.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace braid::io {

// SHA-256 in lower-case hexadecimal digits.
std::string sha256(const std::vector<uint8_t>& bytes);

}  // namespace braid::io
