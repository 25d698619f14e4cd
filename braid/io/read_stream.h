// Bytes of what is no regular file: standard input, pipes.
#pragma once
#include <cstdint>
#include <filesystem>
#include <vector>

namespace braid::io {

// Whether reading it takes until its writer ends: "-" (standard input), a pipe, a device.
bool is_stream(const std::filesystem::path& path);

// All that comes. Throws IoError, or DataError when it is more than max_bytes.
std::vector<uint8_t> read_stream(const std::filesystem::path& path, uint64_t max_bytes);

}  // namespace braid::io
