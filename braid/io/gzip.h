// gzip decompression.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace braid::io {

bool is_gzip(const std::vector<uint8_t>& bytes);
// Throws DataError when the stream is corrupt or truncated, or inflates beyond max_bytes.
std::vector<uint8_t> gunzip(const std::vector<uint8_t>& bytes, uint64_t max_bytes,
                            const std::string& where);

}  // namespace braid::io
