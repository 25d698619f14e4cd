#include "braid/io/gzip.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>

#include "braid/core/error.h"

namespace braid::io {

bool is_gzip(const std::vector<uint8_t>& bytes) {
  return bytes.size() >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
}

std::vector<uint8_t> gunzip(const std::vector<uint8_t>& bytes, uint64_t max_bytes,
                            const std::string& where) {
  z_stream stream{};
  constexpr int kGzipWindow = 15 + 16;
  if (inflateInit2(&stream, kGzipWindow) != Z_OK) throw InternalError("gzip", "cannot start zlib");
  struct End {
    z_stream* stream;
    ~End() { inflateEnd(stream); }
  } end{&stream};
  std::vector<uint8_t> out;
  size_t consumed = 0, filled = 0;
  int status = Z_OK;
  while (true) {
    if (status == Z_STREAM_END) {
      // Another stream may follow, as `cat a.gz b.gz` and parallel compressors write them; what is
      // none is left unread, as gzip does.
      const size_t at = consumed - stream.avail_in;
      if (bytes.size() - at < 2 || bytes[at] != 0x1f || bytes[at + 1] != 0x8b) {
        out.resize(filled);
        return out;
      }
      inflateReset(&stream);
    }
    if (stream.avail_in == 0) {
      const size_t chunk = std::min<size_t>(bytes.size() - consumed, size_t{1} << 30);
      if (chunk == 0) throw DataError("gzip", "expected more data, got the end of the file", where);
      stream.next_in = const_cast<Bytef*>(bytes.data() + consumed);
      stream.avail_in = static_cast<uInt>(chunk);
      consumed += chunk;
    }
    if (out.size() == filled)
      out.resize(filled + std::clamp<size_t>(filled, size_t{1} << 16, size_t{1} << 26));
    stream.next_out = out.data() + filled;
    stream.avail_out = static_cast<uInt>(out.size() - filled);
    status = inflate(&stream, Z_NO_FLUSH);
    filled = out.size() - stream.avail_out;
    if (filled > max_bytes)
      throw DataError("gzip", fmt::format("expected at most {} bytes inflated", max_bytes), where);
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
      throw DataError(
          "gzip", fmt::format("corrupt stream: {}", stream.msg ? stream.msg : "zlib error"), where);
  }
}

}  // namespace braid::io
