#include "braid/runner/file_tokenizer.h"

#include <stdlib.h>

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "braid/core/base64.h"
#include "braid/core/error.h"
#include "braid/io/atomic_file.h"
#include "braid/io/posix_file.h"
#include "braid/text/tokenizer_files.h"

namespace braid::runner {
namespace {

namespace fs = std::filesystem;

// A folder that goes with this object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::error_code error;
    const auto parent = fs::temp_directory_path(error);
    if (error)
      throw IoError("runner", "expected a folder for temporary files, got none: " + error.message(),
                    "TMPDIR", "set it to a folder that is there");
    std::string name = (parent / "braid-run-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) io::fail_io("make a folder", name, errno);
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code none;
    fs::remove_all(path_, none);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::string decoded(const std::string& base64, const std::string& where) {
  auto bytes = from_base64(base64);
  if (!bytes) throw DataError("runner", "expected base64, got another text", where);
  return std::move(*bytes);
}

}  // namespace

text::TokenizerPtr tokenizer_in(const Session& session) {
  const TemporaryFolder folder;
  bool any = false;
  for (const std::string name : text::kTokenizerFiles) {
    auto it = session.metadata().find(name);
    if (it != session.metadata().end()) {
      io::write_file_atomic(folder.path() / name, it->second);
      any = true;
    }
    it = session.metadata().find(name + text::kBase64Suffix);
    if (it == session.metadata().end()) continue;
    io::write_file_atomic(folder.path() / name, decoded(it->second, session.where() + ", " + name));
    any = true;
  }
  if (!any)
    throw DataError("runner", "expected a tokenizer in the file, found none", session.where(),
                    "export a checkpoint that has one, or give tokens with --input");
  try {
    return text::load_tokenizer(folder.path());
  } catch (const DataError& e) {  // of a file that nobody else has seen
    std::string said = e.what();
    said.erase(0, said.find(' ') + 1);
    const std::string seen = folder.path().string() + "/";
    for (size_t at = said.find(seen); at != std::string::npos; at = said.find(seen))
      said.replace(at, seen.size(), session.where() + ", ");
    throw DataError("tokenizer", said);
  }
}

}  // namespace braid::runner
