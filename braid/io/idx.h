// The IDX format of MNIST and Fashion-MNIST, plain or gzip-compressed.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace braid::io {

// An array of unsigned bytes (IDX type 0x08), the only type these datasets use.
struct IdxArray {
  std::vector<int64_t> shape;   // such as {60000, 28, 28}
  std::vector<uint8_t> values;  // row-major
};

// Throws DataError naming the file and the field: magic, type, dimensions, length.
IdxArray parse_idx(const uint8_t* bytes, size_t size, const std::string& where);
// Inflates when the file starts with gzip's magic. Throws IoError when it cannot be read.
IdxArray read_idx(const std::filesystem::path& file);

}  // namespace braid::io
