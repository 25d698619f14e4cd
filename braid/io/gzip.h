// gzip decompression.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace braid::io {

bool is_gzip(const std::vector<uint8_t>& bytes);
// All streams of the file, one after the other. Throws DataError when one is corrupt or truncated,
// or when they inflate beyond max_bytes.
std::vector<uint8_t> gunzip(const std::vector<uint8_t>& bytes, uint64_t max_bytes,
                            const std::string& where);

// The same piece by piece, in memory for a piece.
class GzipReader {
 public:
  // Fills its argument with the packed bytes that come next, and says how many; 0: the end.
  using ReadPacked = std::function<size_t(std::span<uint8_t> into)>;
  GzipReader(ReadPacked read, std::string where);
  ~GzipReader();
  GzipReader(const GzipReader&) = delete;
  GzipReader& operator=(const GzipReader&) = delete;

  // Bytes that were inflated into the argument; 0: the end. Throws DataError as gunzip() does, and
  // what ReadPacked throws.
  size_t read(std::span<uint8_t> into);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace braid::io
