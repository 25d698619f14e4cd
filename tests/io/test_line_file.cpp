// Lines by number and as they come: what ends one and what does not.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>

#include "braid/core/error.h"
#include "braid/io/gzip.h"
#include "braid/io/line_file.h"

namespace braid::io {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using Lines = std::vector<std::string>;
using namespace std::string_literals;

class LinesOfFile : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("braid-lines-" + std::to_string(::getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return folder_ / name;
  }
  fs::path folder_;
};

std::string packed(const std::string& text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(text.size() + 1000, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

Lines by_number(const LineFile& file) {
  Lines lines;
  for (int64_t i = 0; i < file.size(); ++i) {
    lines.push_back(file.read(i));
    EXPECT_EQ(file.length(i), lines.back().size());
  }
  return lines;
}

Lines as_they_come(const fs::path& path) {
  LineReader reader(path);
  Lines lines;
  while (auto line = reader.next()) lines.push_back(*line);
  return lines;
}

struct Case {
  std::string text;
  Lines lines;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"", {}},
      {"\n", {""}},
      {"\n\n", {"", ""}},
      {"a", {"a"}},
      {"a\n", {"a"}},
      {"a\nb", {"a", "b"}},
      {"a\r\nb\r\n", {"a", "b"}},
      {"\r\n", {""}},
      {"\r", {"\r"}},
      {"a\rb\nc\r", {"a\rb", "c\r"}},
      {"a\r\r\n", {"a\r"}},
      {"a\0b\nc"s, {"a\0b"s, "c"}},
      {"a\u2028b\u2029c\u0085d\x0b\x0c\x1c\x1d\x1e\nz",
       {"a\u2028b\u2029c\u0085d\x0b\x0c\x1c\x1d\x1e", "z"}},
      {"\xef\xbb\xbf", {}},
      {"\xef\xbb\xbf\n", {""}},
      {"\xef\xbb\xbf\r\n\xef\xbb\xbfx", {"", "\xef\xbb\xbfx"}},
      {"\xef\xbb\xbf"
       "a\n",
       {"a"}},
      {" \n\t\n", {" ", "\t"}},
  };
  return all;
}

TEST_F(LinesOfFile, EndOnlyAtANewline) {
  for (size_t i = 0; i < cases().size(); ++i) {
    const auto& [text, lines] = cases()[i];
    SCOPED_TRACE(i);
    const auto plain = write("plain", text), gzip = write("gzip", packed(text));
    EXPECT_EQ(by_number(LineFile(plain)), lines);
    EXPECT_EQ(by_number(LineFile(gzip)), lines);
    EXPECT_EQ(as_they_come(plain), lines);
    EXPECT_EQ(as_they_come(gzip), lines);
  }
}

TEST_F(LinesOfFile, AreFoundWhereverTheReadsEnd) {
  constexpr size_t kRead = size_t{1} << 20;  // bytes that LineFile reads at once
  for (size_t before = kRead - 3; before < kRead + 3; ++before) {
    const std::string first(before, 'x'), text = first + "\r\nsecond\n";
    const auto file = write("long", text);
    EXPECT_EQ(by_number(LineFile(file)), (Lines{first, "second"})) << before;
    EXPECT_EQ(as_they_come(file), (Lines{first, "second"})) << before;
  }
}

TEST_F(LinesOfFile, ALongLineIsReadAsFarAsAsked) {
  const auto file = write("ten-megabytes", "a\n" + std::string(10'000'000, 'y') + "\nb\n");
  const LineFile lines(file);
  ASSERT_EQ(lines.size(), 3);
  EXPECT_EQ(lines.length(1), 10'000'000u);
  EXPECT_EQ(lines.read(1, 4), "yyyy");
  EXPECT_EQ(lines.read(2), "b");
  EXPECT_EQ(lines.describe(2), file.string() + ":3");
  try {
    LineReader reader(file, 1000);
    while (reader.next()) {
    }
    FAIL();
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("ten-megabytes:2"));
  }
}

TEST_F(LinesOfFile, AllStreamsOfAGzipFileAreRead) {
  const auto file =
      write("two.gz", packed("a\nb") + packed("") + packed("c\nd\n") + std::string(7, '\0'));
  EXPECT_EQ(by_number(LineFile(file)), (Lines{"a", "bc", "d"}));
  const auto whole = packed("a\nb") + packed("c\nd\n");
  EXPECT_THROW(LineFile(write("cut.gz", whole.substr(0, whole.size() - 4))), DataError);
  EXPECT_THROW(LineFile(write("bomb.gz", packed(std::string(100'000, 'x'))), 1000), DataError);
}

TEST_F(LinesOfFile, RefusesUtf16AndWhatIsNoFile) {
  EXPECT_THROW(LineFile(write("utf16",
                              "\xff\xfe"
                              "a\0\n\0"s)),
               DataError);
  EXPECT_THROW(as_they_come(write("utf16be", "\xfe\xff\0a"s)), DataError);
  EXPECT_THROW(LineFile(folder_ / "none"), IoError);
  EXPECT_THROW(LineFile{folder_}, IoError);
  EXPECT_THROW(LineReader(folder_ / "none"), IoError);
}

TEST_F(LinesOfFile, ACutFileIsAnErrorNotACrash) {
  const auto file = write("cut", "one\ntwo\nthree\n");
  const LineFile lines(file);
  fs::resize_file(file, 5);
  EXPECT_EQ(lines.read(0), "one");
  EXPECT_THROW(lines.read(2), IoError);
}

// Of standard input they would be translated, or learned, as if they were words.
TEST_F(LinesOfFile, APackedPipeIsRefused) {
  for (const auto& bytes : {packed("a\nb\n"), std::string("\x1f\x8b")}) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    LineReader reader("/dev/fd/" + std::to_string(ends[0]));
    EXPECT_EQ(::write(ends[1], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    ::close(ends[1]);
    try {
      reader.next();
      ADD_FAILURE() << "expected a DataError";
    } catch (const DataError& e) {
      EXPECT_THAT(e.what(), HasSubstr("zcat"));
    }
    ::close(ends[0]);
  }
  EXPECT_EQ(as_they_come(write("a.gz", packed("a\nb\n"))), (Lines{"a", "b"}));
}

TEST(LinesOfPipe, AreHandedOutBeforeTheWriterEnds) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  LineReader reader("/dev/fd/" + std::to_string(ends[0]));
  EXPECT_FALSE(reader.ready());
  const auto write = [&](const std::string& text) {
    ASSERT_EQ(::write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  };
  write("first\nsec");
  EXPECT_TRUE(reader.ready());
  EXPECT_EQ(reader.next(), "first");
  EXPECT_FALSE(reader.ready());
  write("ond\n");
  EXPECT_TRUE(reader.ready());
  EXPECT_EQ(reader.next(), "second");
  write("third");
  ::close(ends[1]);
  EXPECT_TRUE(reader.ready());
  EXPECT_EQ(reader.next(), "third");
  EXPECT_EQ(reader.next(), std::nullopt);
  ::close(ends[0]);
}

}  // namespace
}  // namespace braid::io
