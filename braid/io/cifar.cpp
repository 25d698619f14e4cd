#include "braid/io/cifar.h"

#include <fmt/format.h>

#include "braid/core/error.h"
#include "braid/io/atomic_file.h"

namespace braid::io {
namespace {
constexpr size_t kPlane = static_cast<size_t>(kCifarSide * kCifarSide);
constexpr uint64_t kMaxCifarBytes = uint64_t{1} << 30;
}  // namespace

std::vector<CifarRecord> parse_cifar(const uint8_t* bytes, size_t size, int64_t classes,
                                     const std::string& where) {
  const size_t label_bytes = classes == 100 ? 2 : 1;
  const size_t record = label_bytes + 3 * kPlane;
  if (size == 0 || size % record != 0)
    throw DataError("cifar", fmt::format("expected a multiple of {} bytes, got {}", record, size),
                    where, "the file is cut; fetch it again");
  std::vector<CifarRecord> records(size / record);
  for (size_t i = 0; i < records.size(); ++i) {
    const uint8_t* p = bytes + i * record;
    records[i].label = p[label_bytes - 1];
    if (records[i].label >= classes)
      throw DataError("cifar",
                      fmt::format("expected a label below {}, got {} in record {}", classes,
                                  records[i].label, i),
                      where);
    p += label_bytes;
    auto& image = records[i].image;
    image = {kCifarSide, kCifarSide, 3, std::vector<uint8_t>(3 * kPlane)};
    for (size_t c = 0; c < 3; ++c)  // planar -> interleaved
      for (size_t k = 0; k < kPlane; ++k) image.pixels[3 * k + c] = p[c * kPlane + k];
  }
  return records;
}

std::vector<CifarRecord> read_cifar(const std::filesystem::path& file, int64_t classes) {
  const auto bytes = read_file(file, kMaxCifarBytes);
  return parse_cifar(bytes.data(), bytes.size(), classes, file.string());
}

}  // namespace braid::io
