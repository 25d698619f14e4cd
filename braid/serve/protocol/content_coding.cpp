#include "braid/serve/protocol/content_coding.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <utility>

#include "braid/core/base64.h"
#include "braid/core/error.h"

namespace braid::serve {
namespace {

class Inflater {
 public:
  Inflater() {
    constexpr int kGzipOrZlib = 15 + 32;
    if (inflateInit2(&stream, kGzipOrZlib) != Z_OK)
      throw TryAgainError("request", "out of memory while inflating the body");
  }
  ~Inflater() { inflateEnd(&stream); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  z_stream stream{};
};

}  // namespace

std::optional<std::string> inflate_body(std::string_view bytes, uint64_t max_bytes) {
  Inflater inflater;
  auto& stream = inflater.stream;
  // zlib's interface is of C: it does not write here.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  size_t left = bytes.size();
  std::string out;
  std::array<char, 1 << 16> block;
  int status = Z_OK;
  while (status == Z_OK) {
    if (stream.avail_in == 0) {
      const auto part = static_cast<uInt>(std::min<size_t>(left, 1 << 30));
      stream.avail_in = part;
      left -= part;
    }
    stream.next_out = reinterpret_cast<Bytef*>(block.data());
    stream.avail_out = block.size();
    status = inflate(&stream, Z_NO_FLUSH);
    out.append(block.data(), block.size() - stream.avail_out);
    if (out.size() > max_bytes) return std::nullopt;
  }
  if (status != Z_STREAM_END || left + stream.avail_in > 0)
    throw DataError("request", "expected one whole gzip or zlib stream", "body");
  return out;
}

std::string decode_base64(std::string_view text) {
  if (text.starts_with("data:")) {
    const auto comma = text.find(',');
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  auto bytes = from_base64(text);
  if (!bytes)
    throw DataError("request", "expected an image's bytes as Base64", "data",
                    "binary data needs none");
  return std::move(*bytes);
}

}  // namespace braid::serve
