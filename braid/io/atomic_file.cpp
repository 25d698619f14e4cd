#include "braid/io/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "braid/core/error.h"
#include "braid/io/posix_file.h"

namespace braid::io {
namespace fs = std::filesystem;
namespace {

void write_synced(const fs::path& file, const std::vector<std::span<const std::byte>>& parts) {
  FileDescriptor fd(file, O_WRONLY | O_CREAT | O_TRUNC);
  if (!fd.ok()) fail_io("create the file", file, errno);
  for (const auto& part : parts) write_bytes(fd, part, file);
  if (::fsync(fd.get()) != 0 && errno != EINVAL) fail_io("sync", file, errno);
  if (fd.close() != 0) fail_io("close", file, errno);
}

void rename_or_fail(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) fail_io("rename", to, errno);
}

// ".<name>.new"
fs::path hidden_beside(const fs::path& target, const char* suffix) {
  const auto parent = target.parent_path().empty() ? fs::path(".") : target.parent_path();
  return parent / ("." + target.filename().string() + suffix);
}

// The names of two folders, in one step where the file system can, so that `target` is whole at
// every moment.
void exchange_names(const fs::path& fresh, const fs::path& target) {
  if (::renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) == 0) return;
  if (errno != EINVAL && errno != ENOSYS) fail_io("exchange the folders", target, errno);
  const auto old = hidden_beside(target, ".old");
  std::error_code error;
  fs::remove_all(old, error);
  rename_or_fail(target, old);
  if (::rename(fresh.c_str(), target.c_str()) != 0) {
    const int reason = errno;
    ::rename(old.c_str(), target.c_str());
    fail_io("rename", target, reason);
  }
  rename_or_fail(old, fresh);
}

}  // namespace

void write_file_atomic(const fs::path& file, const std::vector<std::span<const std::byte>>& parts) {
  fs::path temporary = file;
  temporary += fmt::format(".tmp{}", ::getpid());
  try {
    write_synced(temporary, parts);
    rename_or_fail(temporary, file);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  sync_folder(file.parent_path());
}

void write_file_atomic(const fs::path& file, std::string_view content) {
  write_file_atomic(file, {std::as_bytes(std::span(content.data(), content.size()))});
}

void replace_folder(const fs::path& target, const std::function<void(const fs::path&)>& fill) {
  restore_folder(target);
  const fs::path fresh = hidden_beside(target, ".new"), parent = fresh.parent_path();
  std::error_code error;
  fs::remove_all(fresh, error);
  if (!fs::create_directories(fresh, error)) fail_io("create the folder", fresh, error.value());
  fill(fresh);
  sync_folder(fresh);
  if (!fs::exists(target)) {
    rename_or_fail(fresh, target);
  } else {
    exchange_names(fresh, target);
    sync_folder(parent);
    fs::remove_all(fresh, error);
  }
  sync_folder(parent);
}

void restore_folder(const fs::path& target) {
  std::error_code error;
  const auto old = hidden_beside(target, ".old");
  if (!fs::exists(target, error) && fs::exists(old, error)) rename_or_fail(old, target);
}

void check_writable(const fs::path& folder, uint64_t bytes) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail_io("create the folder", folder, error.value());
  const fs::path probe = folder / fmt::format(".probe{}", ::getpid());
  FileDescriptor fd(probe, O_WRONLY | O_CREAT | O_TRUNC);
  if (!fd.ok()) fail_io("write into the folder", folder, errno);
  const int reason = bytes == 0 ? 0 : ::posix_fallocate(fd.get(), 0, static_cast<off_t>(bytes));
  ::unlink(probe.c_str());
  if (reason != 0 && reason != EOPNOTSUPP && reason != EINVAL)
    fail_io(fmt::format("reserve {} bytes in the folder", bytes), folder, reason);
}

void check_folder_of(const fs::path& file) {
  std::error_code error;
  const auto folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  if (!fs::is_directory(folder, error))
    fail_io("write into the folder", folder, fs::exists(folder, error) ? ENOTDIR : ENOENT);
  if (fs::is_directory(file, error)) fail_io("write", file, EISDIR);
}

std::vector<uint8_t> read_file(const fs::path& file, uint64_t max_bytes) {
  const FileDescriptor fd(file, O_RDONLY);
  if (!fd.ok()) fail_io("open", file, errno);
  const uint64_t size = size_of_file(fd, file);
  if (size > max_bytes)
    throw DataError("io", fmt::format("expected at most {} bytes, got {}", max_bytes, size),
                    file.string());
  std::vector<uint8_t> bytes(size);
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::read(fd.get(), bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_io("read", file, errno);
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  bytes.resize(done);
  return bytes;
}

}  // namespace braid::io
