// A file's bytes, mapped rather than read.
#pragma once
#include <cstdint>
#include <filesystem>
#include <span>

namespace braid::runner {

// A program that shortens the file while it is mapped kills those that look into it.
class MappedFile {
 public:
  // Throws IoError naming the file.
  explicit MappedFile(const std::filesystem::path& file);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  std::span<const uint8_t> bytes() const { return {data_, size_}; }

 private:
  const uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace braid::runner
