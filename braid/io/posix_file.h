// What files need beyond the standard library: descriptors, errors with the system's reason.
#pragma once
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace braid::io {

// Throws IoError "cannot ACTION: REASON (path)" with a remedy where one is known; reason: an errno.
[[noreturn]] void fail_io(const std::string& action, const std::filesystem::path& path, int reason);

// As std::filesystem's, but IoError where the system does not say: no permission, a name too long.
bool is_folder(const std::filesystem::path& path);
bool file_exists(const std::filesystem::path& path);
std::vector<std::filesystem::path> list_folder(const std::filesystem::path& folder);

// An open file that closes itself.
class FileDescriptor {
 public:
  // flags: those of open(2); a new file's permissions are the user's default.
  FileDescriptor(const std::filesystem::path& path, int flags);
  ~FileDescriptor();
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  bool ok() const { return fd_ >= 0; }
  int get() const { return fd_; }
  int close();  // close(2)'s answer

 private:
  int fd_;
};

// All of them. Throws IoError naming the file.
void write_bytes(const FileDescriptor& fd, std::span<const std::byte> bytes,
                 const std::filesystem::path& file);
// Makes a file durable and gives it another name in the same file system, in place of what had it.
void sync_and_rename(const std::filesystem::path& from, const std::filesystem::path& to);
// Makes the names in a folder durable, where the file system can.
void sync_folder(const std::filesystem::path& folder);

}  // namespace braid::io
