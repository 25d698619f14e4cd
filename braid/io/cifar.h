// The binary version of CIFAR-10 and CIFAR-100: records of label bytes and 3x32x32 pixels.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "braid/io/image.h"

namespace braid::io {

constexpr int64_t kCifarSide = 32;  // pixels

struct CifarRecord {
  int64_t label = 0;  // CIFAR-100: the fine label
  Image image;        // 32x32 RGB
};

// classes: 10 (one label byte a record) or 100 (coarse and fine). Throws DataError naming file and
// record.
std::vector<CifarRecord> parse_cifar(const uint8_t* bytes, size_t size, int64_t classes,
                                     const std::string& where);
std::vector<CifarRecord> read_cifar(const std::filesystem::path& file, int64_t classes);

}  // namespace braid::io
