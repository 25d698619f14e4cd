// What files need beyond the standard library: descriptors, errors with the system's reason.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace braid::io {

// Throws IoError "cannot ACTION: REASON (path)" with a remedy where one is known; reason: an errno.
[[noreturn]] void fail_io(const std::string& action, const std::filesystem::path& path, int reason);
// The same of one of many files; UnreadableFileError where the reason is its own.
[[noreturn]] void fail_reading(const std::string& action, const std::filesystem::path& path,
                               int reason);

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

// Keeps a folder to one process, or to one holder within it, until this object or the process ends,
// by a kill too. The lock is on a file `.lock` in it, which stays. File systems that know no locks
// grant it to everyone.
class FolderLock {
 public:
  // Throws TryAgainError where another one holds it, IoError where the file cannot be made.
  explicit FolderLock(const std::filesystem::path& folder);

 private:
  FileDescriptor file_;
};
// Whether someone holds the lock of a folder, which need not exist.
bool is_locked(const std::filesystem::path& folder);

// Bytes of a regular file. Throws IoError for anything else, such as a folder.
uint64_t size_of_file(const FileDescriptor& fd, const std::filesystem::path& file);
// As many bytes as `into` has, from this place on; several threads may read from one descriptor.
// Throws IoError, also where the file ends before: another program may have cut it.
void read_bytes_at(const FileDescriptor& fd, uint64_t offset, std::span<std::byte> into,
                   const std::filesystem::path& file);
// All of them. Throws IoError naming the file.
void write_bytes(const FileDescriptor& fd, std::span<const std::byte> bytes,
                 const std::filesystem::path& file);
// Makes a file durable and gives it another name in the same file system, in place of what had it.
void sync_and_rename(const std::filesystem::path& from, const std::filesystem::path& to);
// Makes the names in a folder durable, where the file system can.
void sync_folder(const std::filesystem::path& folder);

}  // namespace braid::io
