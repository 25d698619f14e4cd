#include "braid/io/read_stream.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>

#include "braid/core/error.h"
#include "braid/io/posix_file.h"

namespace braid::io {

namespace fs = std::filesystem;

bool is_stream(const fs::path& path) {
  if (path == "-") return true;
  std::error_code error;
  const auto status = fs::status(path, error);
  return fs::is_fifo(status) || fs::is_character_file(status) || fs::is_socket(status);
}

std::vector<uint8_t> read_stream(const fs::path& path, uint64_t max_bytes) {
  std::optional<FileDescriptor> opened;
  if (path != "-") {
    opened.emplace(path, O_RDONLY);
    if (!opened->ok()) fail_io("open", path, errno);
  }
  const int fd = opened ? opened->get() : STDIN_FILENO;
  std::vector<uint8_t> bytes;
  std::array<uint8_t, 1 << 16> part{};
  while (true) {
    const ssize_t got = ::read(fd, part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_io("read", path, errno);
    if (got == 0) return bytes;
    bytes.insert(bytes.end(), part.begin(), part.begin() + got);
    if (bytes.size() > max_bytes)
      throw DataError("io", fmt::format("expected at most {} bytes, got more", max_bytes),
                      path.string());
  }
}

}  // namespace braid::io
