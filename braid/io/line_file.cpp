#include "braid/io/line_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "braid/core/error.h"
#include "braid/io/gzip.h"
#include "braid/io/read_stream.h"

namespace braid::io {

namespace fs = std::filesystem;

namespace {

constexpr uint64_t kReturn = uint64_t{1} << 63;
constexpr size_t kReadAtOnce = size_t{1} << 20;  // bytes
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

std::string_view text_view_of(const std::vector<uint8_t>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void refuse_utf16(std::string_view start, const fs::path& path) {
  if (start.starts_with("\xff\xfe") || start.starts_with("\xfe\xff"))
    throw DataError("text", "expected UTF-8, got UTF-16", path.string(),
                    "convert it: iconv -f UTF-16 -t UTF-8");
}

void refuse_gzip(std::string_view start, const fs::path& path) {
  if (start.starts_with("\x1f\x8b"))
    throw DataError("text", "expected a text, got gzip, which is not unpacked on its way",
                    path == "-" ? "standard input" : path.string(),
                    "give the file's name, or unpack it: zcat FILE | ...");
}

std::vector<uint8_t> inflate_text(const std::vector<uint8_t>& packed, const fs::path& path,
                                  uint64_t max_bytes) {
  try {
    return gunzip(packed, max_bytes, path.string());
  } catch (const DataError& e) {
    throw DataError("text", e.what(), "", "unpack it with gunzip");
  }
}

}  // namespace

LineFile::LineFile(fs::path path, uint64_t max_in_memory) : path_(std::move(path)) {
  uint64_t size = 0;
  if (is_stream(path_)) {
    kept_ = read_stream(path_, max_in_memory);
    if (is_gzip(kept_)) kept_ = inflate_text(kept_, path_, max_in_memory);
  } else {
    file_.emplace(path_, O_RDONLY);
    if (!file_->ok()) fail_io("open", path_, errno);
    size = size_of_file(*file_, path_);
    std::vector<uint8_t> part;
    for (uint64_t at = 0; at < size; at += part.size()) {
      part.resize(std::min<uint64_t>(size - at, kReadAtOnce));
      read_bytes_at(*file_, at, std::as_writable_bytes(std::span(part)), path_);
      if (at == 0 && is_gzip(part)) {
        part.resize(size);
        read_bytes_at(*file_, 0, std::as_writable_bytes(std::span(part)), path_);
        kept_ = inflate_text(part, path_, max_in_memory);
        file_.reset();
        break;
      }
      index(text_view_of(part), at);
    }
  }
  if (!file_) {
    size = kept_.size();
    index(text_view_of(kept_), 0);
  }
  const uint64_t behind = ends_.empty() ? begin_ : (ends_.back() & ~kReturn) + 1;
  if (behind < size) ends_.push_back(size);
}

void LineFile::index(std::string_view part, uint64_t at) {
  if (at == 0) {
    refuse_utf16(part, path_);
    if (part.starts_with(kByteOrderMark)) begin_ = kByteOrderMark.size();
  }
  for (size_t from = 0; from < part.size();) {
    const auto* found =
        static_cast<const char*>(std::memchr(part.data() + from, '\n', part.size() - from));
    if (!found) break;
    const auto place = static_cast<size_t>(found - part.data());
    const bool after_return = place > 0 ? part[place - 1] == '\r' : after_return_;
    ends_.push_back((at + place) | (after_return ? kReturn : 0));
    from = place + 1;
  }
  if (!part.empty()) after_return_ = part.back() == '\r';
}

uint64_t LineFile::begin_of(int64_t line) const {
  return line == 0 ? begin_ : (ends_.at(static_cast<size_t>(line - 1)) & ~kReturn) + 1;
}

uint64_t LineFile::end_of(int64_t line) const {
  const uint64_t end = ends_.at(static_cast<size_t>(line));
  return (end & ~kReturn) - ((end & kReturn) != 0 ? 1 : 0);
}

std::string LineFile::read(int64_t line, uint64_t max_bytes) const {
  const uint64_t begin = begin_of(line), size = std::min(length(line), max_bytes);
  if (!file_) return std::string(text_view_of(kept_).substr(begin, size));
  std::string text(size, '\0');
  read_bytes_at(*file_, begin, std::as_writable_bytes(std::span(text)), path_);
  return text;
}

std::string LineFile::describe(int64_t line) const {
  return fmt::format("{}:{}", path_.string(), line + 1);
}

struct LineReader::State {
  fs::path path;
  uint64_t max_line_bytes;
  std::optional<FileDescriptor> opened;  // unset: standard input
  std::optional<LineFile> packed;        // gzip
  int64_t packed_line = 0;
  std::string text;  // read and not handed out yet, from `begin` on
  size_t begin = 0;
  size_t searched = 0;  // no "\n" before
  bool ended = false, first = true;
  int64_t line = 0;

  int fd() const { return opened ? opened->get() : STDIN_FILENO; }
  size_t find_end() {
    const size_t found = text.find('\n', std::max(begin, searched));
    searched = found == std::string::npos ? text.size() : found;
    if (searched - begin > max_line_bytes)
      throw DataError("text", fmt::format("expected lines of at most {} bytes", max_line_bytes),
                      fmt::format("{}:{}", path.string(), line + 1));
    return found;
  }
  bool waits_for_more() const;  // whether reading would wait
  void read_more();
  std::string take(size_t end, size_t next);
};

bool LineReader::State::waits_for_more() const {
  struct pollfd asked {
    fd(), POLLIN, 0
  };
  return ::poll(&asked, 1, 0) == 0;
}

void LineReader::State::read_more() {
  std::array<char, 1 << 16> part{};
  ssize_t got = -1;
  do got = ::read(fd(), part.data(), part.size());
  while (got < 0 && errno == EINTR);
  if (got < 0) fail_io("read", path, errno);
  ended = got == 0;
  if (begin > 0) {
    text.erase(0, begin);
    searched -= std::min(searched, begin);
    begin = 0;
  }
  text.append(part.data(), static_cast<size_t>(got));
}

std::string LineReader::State::take(size_t end, size_t next) {
  size_t from = begin;
  if (first) {
    const std::string_view start(text);
    refuse_utf16(start.substr(begin), path);
    refuse_gzip(start.substr(begin), path);
    if (start.substr(begin).starts_with(kByteOrderMark)) from += kByteOrderMark.size();
  }
  first = false;
  if (next > end && end > from && text[end - 1] == '\r') --end;
  std::string result = text.substr(from, end - from);
  begin = searched = next;
  ++line;
  return result;
}

LineReader::LineReader(const fs::path& path, uint64_t max_line_bytes)
    : state_(std::make_unique<State>()) {
  state_->path = path;
  state_->max_line_bytes = max_line_bytes;
  if (path == "-") return;
  state_->opened.emplace(path, O_RDONLY);
  if (!state_->opened->ok()) fail_io("open", path, errno);
  if (is_stream(path)) return;
  std::vector<uint8_t> start(std::min<uint64_t>(2, size_of_file(*state_->opened, path)));
  read_bytes_at(*state_->opened, 0, std::as_writable_bytes(std::span(start)), path);
  if (is_gzip(start)) state_->packed.emplace(path);
}

LineReader::~LineReader() = default;

std::optional<std::string> LineReader::next() {
  auto& s = *state_;
  if (s.packed) {
    if (s.packed_line == s.packed->size()) return std::nullopt;
    return s.packed->read(s.packed_line++);
  }
  while (true) {
    const size_t end = s.find_end();
    if (end != std::string::npos) return s.take(end, end + 1);
    if (s.ended) break;
    s.read_more();
  }
  if (s.begin == s.text.size()) return std::nullopt;
  auto rest = s.take(s.text.size(), s.text.size());
  return rest.empty() ? std::nullopt : std::optional(std::move(rest));  // a byte-order mark alone
}

bool LineReader::ready() const {
  auto& s = *state_;
  if (s.packed || s.ended) return true;
  while (s.find_end() == std::string::npos && !s.ended) {
    if (s.waits_for_more()) return false;
    s.read_more();
  }
  return true;
}

}  // namespace braid::io
