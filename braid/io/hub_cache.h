// The folder of downloaded repositories, in huggingface_hub's layout, so that both share files:
//
//   models--OWNER--NAME/blobs/ETAG                     the files, named by content
//   models--OWNER--NAME/blobs/ETAG.incomplete          what of a file has come so far
//   models--OWNER--NAME/refs/REVISION                  the commit of a branch or tag
//   models--OWNER--NAME/snapshots/COMMIT/FILE          a link to ../../blobs/ETAG
//   models--OWNER--NAME/.no_exist/COMMIT/FILE          the commit has no such file
//   .locks/models--OWNER--NAME/ETAG.lock               held (flock) while the blob is written
#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "braid/io/posix_file.h"

namespace braid::io {

// Revisions, commits, etags and file names have been checked by hub_format.h.
class HubCache {
 public:
  HubCache(const std::filesystem::path& root, const std::string& repository);

  std::filesystem::path blob(const std::string& etag) const { return folder_ / "blobs" / etag; }
  std::filesystem::path incomplete(const std::string& etag) const;
  std::filesystem::path lock(const std::string& etag) const;
  std::filesystem::path snapshot(const std::string& commit) const {
    return folder_ / "snapshots" / commit;
  }

  // The commit that a revision had when it was last asked for, or is; empty where none is known.
  std::string commit_of(const std::string& revision) const;
  // Whether the snapshot's file is there, with its blob.
  bool has(const std::string& commit, const std::string& file) const;
  bool is_known_missing(const std::string& commit, const std::string& file) const;
  // The weights' files that a snapshot lacks: none where it can be loaded. config.json is not asked
  // for: weights do not need it.
  std::vector<std::string> missing_files(const std::string& commit) const;

  // Creates the folders that a download needs. Throws IoError.
  void prepare(const std::string& commit) const;
  // These two are notes that save requests: where they cannot be written, nothing is said.
  void remember_commit(const std::string& revision, const std::string& commit) const;
  void remember_missing(const std::string& commit, const std::string& file) const;
  // Makes the snapshot's file a link to the blob. Throws IoError.
  void link(const std::string& commit, const std::string& file, const std::string& etag) const;

 private:
  std::filesystem::path root_, folder_, locks_;
};

// Held from construction to destruction against other processes, as Python's filelock does it.
class FileLock {
 public:
  // on_wait: called once where another process holds it. Throws IoError.
  FileLock(const std::filesystem::path& file, const std::function<void()>& on_wait);

 private:
  FileDescriptor fd_;
};

}  // namespace braid::io
