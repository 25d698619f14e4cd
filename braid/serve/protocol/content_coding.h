// What stands between a body and what was meant: compression, and Base64 in JSON.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace braid::serve {

// gzip or zlib ("deflate"), told apart by their first bytes. Nothing where it inflates beyond
// max_bytes; no more than that is ever held. Throws DataError where it is corrupt.
std::optional<std::string> inflate_body(std::string_view bytes, uint64_t max_bytes);

// RFC 4648, with or without padding, also of a data: URL. Throws DataError.
std::string decode_base64(std::string_view text);

}  // namespace braid::serve
