#include "braid/io/posix_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "braid/core/error.h"

namespace braid::io {
namespace fs = std::filesystem;

namespace {

template <class ErrorType>
[[noreturn]] void fail_as(const std::string& action, const fs::path& path, int reason) {
  const char* remedy = reason == ENOSPC   ? "free some space or choose another folder"
                       : reason == EROFS  ? "the file system is read-only; choose another folder"
                       : reason == EACCES ? "check the permissions"
                                          : "";
  throw ErrorType("io",
                  fmt::format("cannot {}: {}", action, std::generic_category().message(reason)),
                  path.string(), remedy);
}

}  // namespace

void fail_io(const std::string& action, const fs::path& path, int reason) {
  fail_as<IoError>(action, path, reason);
}

void fail_reading(const std::string& action, const fs::path& path, int reason) {
  if (reason == EACCES || reason == EPERM || reason == EIO)
    fail_as<UnreadableFileError>(action, path, reason);
  fail_io(action, path, reason);
}

namespace {

fs::file_status status_of(const fs::path& path) {
  std::error_code error;
  const auto status = fs::status(path, error);
  if (status.type() == fs::file_type::none) fail_io("look at", path, error.value());
  return status;
}

}  // namespace

bool is_folder(const fs::path& path) { return fs::is_directory(status_of(path)); }

bool file_exists(const fs::path& path) { return fs::exists(status_of(path)); }

std::vector<fs::path> list_folder(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    entries.push_back(it->path());
  if (error) fail_io("list", folder, error.value());
  return entries;
}

FileDescriptor::FileDescriptor(const fs::path& path, int flags)
    : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {}

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) ::close(fd_);
}

int FileDescriptor::close() { return ::close(std::exchange(fd_, -1)); }

namespace {

constexpr const char* kLockName = ".lock";

// False: someone else holds it.
bool try_lock(const FileDescriptor& file) {
  int result = -1;
  do result = ::flock(file.get(), LOCK_EX | LOCK_NB);
  while (result != 0 && errno == EINTR);
  return result == 0 || errno != EWOULDBLOCK;
}

}  // namespace

FolderLock::FolderLock(const fs::path& folder) : file_(folder / kLockName, O_RDWR | O_CREAT) {
  if (!file_.ok()) fail_io("create the file", folder / kLockName, errno);
  if (!try_lock(file_))
    throw TryAgainError("io", "another process writes into this folder", folder.string(),
                        "wait until it ends, or choose another folder");
}

bool is_locked(const fs::path& folder) {
  const FileDescriptor file(folder / kLockName, O_RDONLY);
  return file.ok() && !try_lock(file);
}

uint64_t size_of_file(const FileDescriptor& fd, const fs::path& file) {
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) fail_io("read", file, errno);
  if (!S_ISREG(info.st_mode)) fail_io("read", file, S_ISDIR(info.st_mode) ? EISDIR : EINVAL);
  return static_cast<uint64_t>(info.st_size);
}

void read_bytes_at(const FileDescriptor& fd, uint64_t offset, std::span<std::byte> into,
                   const fs::path& file) {
  size_t done = 0;
  while (done < into.size()) {
    const ssize_t n = ::pread(fd.get(), into.data() + done, into.size() - done,
                              static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_io("read", file, errno);
    if (n == 0)
      throw IoError(
          "io", fmt::format("expected {} bytes from byte {} on, got {}", into.size(), offset, done),
          file.string(), "the file was cut while it was read; fetch it again");
    done += static_cast<size_t>(n);
  }
}

void write_bytes(const FileDescriptor& fd, std::span<const std::byte> bytes, const fs::path& file) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::write(fd.get(), bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_io("write", file, errno);
    done += static_cast<size_t>(n);
  }
}

void sync_folder(const fs::path& folder) {
  const FileDescriptor fd(folder.empty() ? "." : folder, O_RDONLY | O_DIRECTORY);
  if (fd.ok()) ::fsync(fd.get());  // not every file system can; the rename itself has happened
}

void sync_and_rename(const fs::path& from, const fs::path& to) {
  {
    const FileDescriptor fd(from, O_RDONLY);
    if (!fd.ok()) fail_io("open", from, errno);
    if (::fsync(fd.get()) != 0 && errno != EINVAL) fail_io("sync", from, errno);
  }
  if (::rename(from.c_str(), to.c_str()) != 0) fail_io("rename", to, errno);
  sync_folder(to.parent_path());
}

}  // namespace braid::io
