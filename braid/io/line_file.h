// The lines of a text file by their numbers, without the text in memory.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "braid/io/posix_file.h"

namespace braid::io {

// Of a file that cannot be read by places, since it is compressed or a pipe: its text is kept.
inline constexpr uint64_t kMaxTextInMemory = uint64_t{2} << 30;  // bytes

// Only "\n" and "\r\n" end a line: a NUL, a lone "\r", U+2028, U+0085, form feeds stand within one.
// What follows the last of them is a line if it is anything. A byte-order mark at the beginning is
// left out.
class LineFile {
 public:
  // Reads the file once to find its lines. Gzip is told by its bytes. "-" is standard input. Throws
  // IoError, or DataError for UTF-16, a corrupt gzip stream, or more text than may be kept.
  explicit LineFile(std::filesystem::path path, uint64_t max_in_memory = kMaxTextInMemory);

  int64_t size() const { return static_cast<int64_t>(ends_.size()); }  // lines
  const std::filesystem::path& path() const { return path_; }
  // Bytes of a line, from 0, without what ends it.
  uint64_t length(int64_t line) const { return end_of(line) - begin_of(line); }
  // Of them no more than max_bytes. From any thread. Throws IoError where the file has been cut.
  std::string read(int64_t line, uint64_t max_bytes = ~uint64_t{0}) const;
  // For people: "train.de:17", lines counted from 1.
  std::string describe(int64_t line) const;

 private:
  void index(std::string_view part, uint64_t at);
  uint64_t begin_of(int64_t line) const;
  uint64_t end_of(int64_t line) const;

  std::filesystem::path path_;
  std::optional<FileDescriptor> file_;  // unset: the text is kept
  std::vector<uint8_t> kept_;
  // Where each line's "\n" is, or the file's end; the highest bit says that a "\r" stands before.
  std::vector<uint64_t> ends_;
  uint64_t begin_ = 0;  // after the byte-order mark
  bool after_return_ = false;
};

// The lines of a file or of a pipe as they come, by the same rules.
class LineReader {
 public:
  // "-": standard input. A line that is longer than max_line_bytes is a DataError. Gzip is told by
  // its bytes: a file is unpacked, a pipe is a DataError.
  explicit LineReader(const std::filesystem::path& path,
                      uint64_t max_line_bytes = uint64_t{1} << 30);
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  // The next line, or nothing at the end. Throws IoError or DataError.
  std::optional<std::string> next();
  // Whether next() answers at once: false where it would wait for whoever writes.
  bool ready() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace braid::io
