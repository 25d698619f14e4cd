#include "braid/io/hub_cache.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "braid/core/error.h"
#include "braid/io/atomic_file.h"
#include "braid/io/hub_format.h"
#include "braid/io/safetensors.h"

namespace braid::io {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxRef = 1024;  // bytes
// https://bford.info/cachedir: backup programs pass the folder over.
constexpr const char* kCacheTag =
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# This file is a cache directory tag created by huggingface_hub.\n"
    "# For information about cache directory tags, see:\n"
    "#\thttps://bford.info/cachedir/\n";

std::string folder_name(const std::string& repository) {
  std::string name = "models--" + repository;
  const size_t slash = name.find('/');
  if (slash != std::string::npos) name.replace(slash, 1, "--");
  return name;
}

void create_folders(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail_io("create the folder", folder, error.value());
}

bool is_there(const fs::path& path) {
  std::error_code error;  // a folder that may not be read holds nothing for us
  return fs::exists(path, error);
}

}  // namespace

HubCache::HubCache(const fs::path& root, const std::string& repository)
    : root_(root),
      folder_(root / folder_name(repository)),
      locks_(root / ".locks" / folder_name(repository)) {}

fs::path HubCache::incomplete(const std::string& etag) const {
  return folder_ / "blobs" / (etag + ".incomplete");
}

fs::path HubCache::lock(const std::string& etag) const { return locks_ / (etag + ".lock"); }

std::string HubCache::commit_of(const std::string& revision) const {
  if (is_commit(revision)) return revision;
  const fs::path file = folder_ / "refs" / revision;
  std::error_code error;
  if (!fs::is_regular_file(file, error)) return "";
  const auto bytes = read_file(file, kMaxRef);
  std::string commit(bytes.begin(), bytes.end());
  while (commit.ends_with('\n')) commit.pop_back();
  return is_plain_name(commit) ? commit : "";
}

bool HubCache::has(const std::string& commit, const std::string& file) const {
  return is_there(snapshot(commit) / file);
}

bool HubCache::is_known_missing(const std::string& commit, const std::string& file) const {
  return is_there(folder_ / ".no_exist" / commit / file);
}

std::vector<std::string> HubCache::missing_files(const std::string& commit) const {
  if (has(commit, kWeightsName)) return {};
  if (!has(commit, kWeightIndexName)) return {kWeightsName};
  std::vector<std::string> missing;
  try {
    for (const auto& shard : read_weight_index(snapshot(commit) / kWeightIndexName))
      if (!has(commit, shard)) missing.push_back(shard);
  } catch (const DataError&) {  // a bad one is no better than none
    return {kWeightIndexName};
  }
  return missing;
}

void HubCache::prepare(const std::string& commit) const {
  create_folders(folder_ / "blobs");
  create_folders(snapshot(commit));
  create_folders(locks_);
  try {
    if (!is_there(root_ / "CACHEDIR.TAG")) write_file_atomic(root_ / "CACHEDIR.TAG", kCacheTag);
  } catch (const IoError&) {  // a courtesy
  }
}

void HubCache::remember_commit(const std::string& revision, const std::string& commit) const {
  if (revision == commit || commit_of(revision) == commit) return;
  const fs::path file = folder_ / "refs" / revision;
  try {
    create_folders(file.parent_path());
    write_file_atomic(file, commit);
  } catch (const IoError&) {
  }
}

void HubCache::remember_missing(const std::string& commit, const std::string& file) const {
  if (is_known_missing(commit, file)) return;
  const fs::path note = folder_ / ".no_exist" / commit / file;
  try {
    create_folders(note.parent_path());
    write_file_atomic(note, "");
  } catch (const IoError&) {
  }
}

void HubCache::link(const std::string& commit, const std::string& file,
                    const std::string& etag) const {
  const fs::path path = snapshot(commit) / file;
  const fs::path fresh = snapshot(commit) / fmt::format(".{}.{}", file, ::getpid());
  std::error_code error;
  fs::remove(fresh, error);
  fs::create_symlink(fs::path("../../blobs") / etag, fresh, error);
  if (error) fail_io("create the link", path, error.value());
  fs::rename(fresh, path, error);  // at once, over a link to an older blob
  if (!error) return;
  std::error_code ignored;
  fs::remove(fresh, ignored);
  fail_io("create the link", path, error.value());
}

FileLock::FileLock(const fs::path& file, const std::function<void()>& on_wait)
    : fd_(file, O_RDWR | O_CREAT) {
  constexpr std::chrono::milliseconds kPoll{100};
  bool waited = false;
  while (true) {
    if (!fd_.ok()) fail_io("open the lock", file, errno);
    if (::flock(fd_.get(), LOCK_EX | LOCK_NB) == 0) {
      // Whoever removes a lock's file leaves us with one that nobody else sees.
      struct stat held {
      }, named{};
      if (::fstat(fd_.get(), &held) == 0 && ::stat(file.c_str(), &named) == 0 &&
          held.st_ino == named.st_ino && held.st_dev == named.st_dev)
        return;
      fd_ = FileDescriptor(file, O_RDWR | O_CREAT);
      continue;
    }
    if (errno != EWOULDBLOCK && errno != EINTR && errno != EACCES) fail_io("lock", file, errno);
    if (!std::exchange(waited, true)) on_wait();
    std::this_thread::sleep_for(kPoll);
  }
}

}  // namespace braid::io
