#include "braid/io/idx.h"

#include <fmt/format.h>

#include "braid/core/error.h"
#include "braid/io/atomic_file.h"
#include "braid/io/gzip.h"

namespace braid::io {
namespace {
constexpr uint64_t kMaxIdxBytes = uint64_t{4} << 30;
constexpr uint8_t kUnsignedByte = 0x08;
}  // namespace

IdxArray parse_idx(const uint8_t* bytes, size_t size, const std::string& where) {
  if (size < 4)
    throw DataError("idx", fmt::format("expected a magic of 4 bytes, got {}", size), where);
  if (bytes[0] != 0 || bytes[1] != 0 || bytes[2] != kUnsignedByte || bytes[3] == 0)
    throw DataError("idx",
                    fmt::format("expected magic 00 00 08 and a number of dimensions, got "
                                "{:02x} {:02x} {:02x} {:02x}",
                                bytes[0], bytes[1], bytes[2], bytes[3]),
                    where, "is this an IDX file of unsigned bytes?");
  const size_t rank = bytes[3];
  const size_t header = 4 + 4 * rank;
  if (size < header)
    throw DataError("idx", fmt::format("expected a header of {} bytes, got {}", header, size),
                    where);
  IdxArray array;
  uint64_t count = 1;
  for (size_t d = 0; d < rank; ++d) {
    const uint8_t* p = bytes + 4 + 4 * d;  // big-endian
    const uint64_t extent =
        uint64_t{p[0]} << 24 | uint64_t{p[1]} << 16 | uint64_t{p[2]} << 8 | p[3];
    if (extent != 0 && count > kMaxIdxBytes / extent)
      throw DataError(
          "idx", fmt::format("dimension {} makes the array larger than {} bytes", d, kMaxIdxBytes),
          where);
    count *= extent;
    array.shape.push_back(static_cast<int64_t>(extent));
  }
  if (size - header != count)
    throw DataError(
        "idx",
        fmt::format("expected {} bytes of values as the header says, got {}", count, size - header),
        where, "the file is cut or has trailing bytes; fetch it again");
  array.values.assign(bytes + header, bytes + size);
  return array;
}

IdxArray read_idx(const std::filesystem::path& file) {
  auto bytes = read_file(file, kMaxIdxBytes);
  if (is_gzip(bytes)) bytes = gunzip(bytes, kMaxIdxBytes, file.string());
  return parse_idx(bytes.data(), bytes.size(), file.string());
}

}  // namespace braid::io
