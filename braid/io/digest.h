// Checksums of files.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace braid::io {

// SHA-256 in lower-case hexadecimal digits.
std::string sha256(const std::vector<uint8_t>& bytes);
// Of a file, read piece by piece. Throws IoError.
std::string sha256_of_file(const std::filesystem::path& file);

}  // namespace braid::io
