#include "braid/serve/protocol/content_coding.h"

#include <zlib.h>

#include <algorithm>
#include <array>

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
  while (text.ends_with('=')) text.remove_suffix(1);
  const auto value_of_letter = [](char c) -> int {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+' || c == '-') return 62;
    return c == '/' || c == '_' ? 63 : -1;
  };
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const int value = value_of_letter(c);
    if (value < 0)
      throw DataError("request", "expected an image's bytes as Base64", "data",
                      "binary data needs none");
    bits = (bits << 6) | static_cast<uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>(bits >> count & 0xff);
    }
  }
  if (count >= 6) throw DataError("request", "expected whole bytes of Base64", "data");
  return out;
}

}  // namespace braid::serve
