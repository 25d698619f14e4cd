// gzip decompression.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace braid::io {

bool is_gzip(const std::vector<uint8_t>& bytes);
// All streams of the file, one after the other. Throws DataError when one is corrupt or truncated,
// or when they inflate beyond max_bytes.
std::vector<uint8_t> gunzip(const std::vector<uint8_t>& bytes, uint64_t max_bytes,
                            const std::string& where);

}  // namespace braid::io
