#include "braid/io/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <string>
#include <system_error>

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

// What tells the processes of this machine and PID namespace from others, which see the same file
// system and may have the same numbers.
uint32_t number_of_here() {
  char name[256] = {}, space[64] = {};
  ::gethostname(name, sizeof name - 1);
  if (::readlink("/proc/self/ns/pid", space, sizeof space - 1) < 0) space[0] = 0;
  uint32_t hash = 2166136261U;  // FNV-1a
  for (const char* text : {name, space})
    for (; *text != 0; ++text) hash = (hash ^ static_cast<uint8_t>(*text)) * 16777619U;
  return hash;
}

constexpr std::string_view kTemporary = ".tmp";

// "<name>.tmp<process>-<here>"
fs::path temporary_of(const fs::path& file) {
  fs::path temporary = file;
  temporary += fmt::format("{}{}-{:08x}", kTemporary, ::getpid(), number_of_here());
  return temporary;
}

// What processes left that were killed while they wrote this file.
void clear_leftovers(const fs::path& file) {
  const auto folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  const std::string begin = file.filename().string() + std::string(kTemporary);
  const std::string here = fmt::format("-{:08x}", number_of_here());
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const auto name = it->path().filename().string();
    if (!name.starts_with(begin) || !name.ends_with(here)) continue;
    const char* last = name.data() + name.size() - here.size();
    pid_t process = 0;
    const auto [stop, wrong] = std::from_chars(name.data() + begin.size(), last, process);
    if (wrong != std::errc() || stop != last || process <= 0) continue;
    if (::kill(process, 0) != 0 && errno == ESRCH) ::unlink(it->path().c_str());
  }
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
  const auto temporary = temporary_of(file);
  clear_leftovers(file);
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
  if (!fd.ok()) fail_reading("open", file, errno);
  const uint64_t size = size_of_file(fd, file);
  if (size > max_bytes)
    throw DataError("io", fmt::format("expected at most {} bytes, got {}", max_bytes, size),
                    file.string());
  std::vector<uint8_t> bytes(size);
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::read(fd.get(), bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_reading("read", file, errno);
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  bytes.resize(done);
  return bytes;
}

}  // namespace braid::io
