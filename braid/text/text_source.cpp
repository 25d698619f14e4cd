#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

#include "braid/core/error.h"
#include "braid/io/posix_file.h"
#include "braid/text/text_source.h"

namespace braid::text {
namespace {

constexpr size_t kBlockBytes = 1 << 18;
constexpr size_t kMaxLineBytes = 1u << 30;

class LineReader {
 public:
  explicit LineReader(std::vector<std::filesystem::path> files) : files_(std::move(files)) {}

  bool next(std::string& line) {
    line.clear();
    bool any = false;  // bytes of a line without an end
    while (true) {
      if (at_ == filled_ && !fill()) {
        if (any || open_) close();
        if (any) return true;
        if (!open_next()) return false;
        continue;
      }
      const char* begin = block_.data() + at_;
      const auto* end = static_cast<const char*>(std::memchr(begin, '\n', filled_ - at_));
      const size_t bytes = end ? static_cast<size_t>(end - begin) : filled_ - at_;
      if (line.size() + bytes > kMaxLineBytes)
        throw DataError("text", fmt::format("expected lines of at most {} bytes", kMaxLineBytes),
                        name_.string());
      line.append(begin, bytes);
      at_ += bytes + (end ? 1 : 0);
      any = true;
      if (end) {
        if (!line.empty() && line.back() == '\r') line.pop_back();
        return true;
      }
    }
  }

 private:
  bool open_next() {
    if (next_ == files_.size()) return false;
    name_ = files_[next_++];
    open_ = true;
    if (name_ == "-") return true;
    file_.emplace(name_, O_RDONLY | O_CLOEXEC);
    if (!file_->ok()) io::fail_io("read", name_, errno);
    if (io::is_folder(name_)) io::fail_io("read", name_, EISDIR);
    return true;
  }
  void close() {
    file_.reset();
    open_ = false;
  }
  bool fill() {
    if (!open_) return false;
    block_.resize(kBlockBytes);
    ssize_t got;
    do {
      got = ::read(file_ ? file_->get() : STDIN_FILENO, block_.data(), block_.size());
    } while (got < 0 && errno == EINTR);
    if (got < 0) io::fail_io("read", name_, errno);
    at_ = 0;
    filled_ = static_cast<size_t>(got);
    return got > 0;
  }

  std::vector<std::filesystem::path> files_;
  size_t next_ = 0;
  std::filesystem::path name_;
  std::optional<io::FileDescriptor> file_;  // none: the standard input
  bool open_ = false;
  std::string block_;
  size_t at_ = 0, filled_ = 0;
};

}  // namespace

TextSource lines_of(std::vector<std::filesystem::path> files) {
  return [reader = std::make_shared<LineReader>(std::move(files))](std::string& line) {
    return reader->next(line);
  };
}

}  // namespace braid::text
