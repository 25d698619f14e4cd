#include "braid/io/gzip.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "braid/core/error.h"

namespace braid::io {

bool is_gzip(const std::vector<uint8_t>& bytes) {
  return bytes.size() >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
}

struct GzipReader::State {
  State(ReadPacked read_packed, std::string place)
      : read(std::move(read_packed)), where(std::move(place)) {
    constexpr int kGzipWindow = 15 + 16;
    stream.next_in = packed.data();
    if (inflateInit2(&stream, kGzipWindow) != Z_OK)
      throw InternalError("gzip", "cannot start zlib");
  }
  ~State() { inflateEnd(&stream); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  // Until so many packed bytes are there, or no more come.
  void fill(size_t bytes) {
    while (stream.avail_in < bytes && !ended) {
      std::memmove(packed.data(), stream.next_in, stream.avail_in);
      stream.next_in = packed.data();
      const size_t got = read(std::span(packed).subspan(stream.avail_in));
      ended = got == 0;
      stream.avail_in += static_cast<uInt>(got);
    }
  }

  ReadPacked read;
  std::string where;
  z_stream stream{};
  std::vector<uint8_t> packed = std::vector<uint8_t>(size_t{1} << 16);
  bool ended = false;    // the packed bytes
  bool between = false;  // two streams
  bool done = false;
};

GzipReader::GzipReader(ReadPacked read, std::string where)
    : state_(std::make_unique<State>(std::move(read), std::move(where))) {}

GzipReader::~GzipReader() = default;

size_t GzipReader::read(std::span<uint8_t> into) {
  auto& s = *state_;
  const size_t room = std::min(into.size(), size_t{1} << 30);
  if (room == 0 || s.done) return 0;
  s.stream.next_out = into.data();
  s.stream.avail_out = static_cast<uInt>(room);
  while (s.stream.avail_out == room) {
    if (s.between) {
      // Another stream may follow, as `cat a.gz b.gz` and parallel compressors write them; what is
      // none is left unread, as gzip does.
      s.fill(2);
      if (s.stream.avail_in < 2 || s.stream.next_in[0] != 0x1f || s.stream.next_in[1] != 0x8b) {
        s.done = true;
        return 0;
      }
      inflateReset(&s.stream);
      s.between = false;
    }
    s.fill(1);
    if (s.stream.avail_in == 0)
      throw DataError("gzip", "expected more data, got the end of the file", s.where);
    const int status = inflate(&s.stream, Z_NO_FLUSH);
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
      throw DataError("gzip",
                      fmt::format("corrupt stream: {}", s.stream.msg ? s.stream.msg : "zlib error"),
                      s.where);
    s.between = status == Z_STREAM_END;
  }
  return room - s.stream.avail_out;
}

std::vector<uint8_t> gunzip(const std::vector<uint8_t>& bytes, uint64_t max_bytes,
                            const std::string& where) {
  size_t consumed = 0;
  GzipReader reader(
      [&](std::span<uint8_t> into) {
        const size_t count = std::min(into.size(), bytes.size() - consumed);
        std::copy_n(bytes.data() + consumed, count, into.data());
        consumed += count;
        return count;
      },
      where);
  std::vector<uint8_t> out;
  size_t filled = 0;
  while (true) {
    if (out.size() == filled)
      out.resize(filled + std::clamp<size_t>(filled, size_t{1} << 16, size_t{1} << 26));
    const size_t got = reader.read(std::span(out).subspan(filled));
    filled += got;
    if (filled > max_bytes)
      throw DataError("gzip", fmt::format("expected at most {} bytes inflated", max_bytes), where);
    if (got == 0) break;
  }
  out.resize(filled);
  return out;
}

}  // namespace braid::io
