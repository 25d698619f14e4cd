// TensorBoard event files: records of protobuf messages with masked CRC-32C sums.
#pragma once
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

namespace braid::io {

class EventFile {
 public:
  // Creates events.out.tfevents.<time>.<host>.<pid> in the folder. Throws IoError.
  explicit EventFile(const std::filesystem::path& folder);
  // One point of a curve; flushed at once. Throws IoError.
  void scalar(const std::string& tag, int64_t step, double value);

 private:
  void record(const std::string& event);
  std::filesystem::path file_;
  std::ofstream out_;
};

// CRC-32C (Castagnoli), as the record format wants it.
uint32_t crc32c(const void* data, size_t size);

}  // namespace braid::io
