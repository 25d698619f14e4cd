// Documents of plain text, and their tokens in blocks.
#include <gmock/gmock.h>
#include <unistd.h>

#include <array>

#include "braid/core/error.h"
#include "braid/data/text/plain_text.h"
#include "tests/data/fake_tokenizer.h"
#include "tests/data/text_folder.h"

namespace braid::data {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Texts = std::vector<std::string>;
using TokenIds = std::vector<int32_t>;

// What is said.
class SaidLines final : public Progress {
 public:
  void line(const std::string& text) override { all.push_back(text); }
  Texts all;
};

class PlainTextTest : public TextFolderTest {
 protected:
  Texts documents(const std::string& name, Documents kind = Documents::kAuto) const {
    BadSamples bad("error");
    return documents({path(name)}, kind, bad);
  }
  static Texts documents(const std::vector<std::filesystem::path>& files, Documents kind,
                         BadSamples& bad) {
    Texts texts;
    DocumentReader reader(files, kind, bad);
    while (auto text = reader.next()) texts.push_back(std::move(*text));
    return texts;
  }
  TokenBlocks blocks(const std::string& content, const TokenBlockOptions& options,
                     bool special = true) const {
    write("blocks.txt", content);
    Progress silent;
    return {{path("blocks.txt")}, FakeTokenizer(special), options, silent};
  }
  static TokenIds ids(std::initializer_list<const char*> words) {
    TokenIds ids;
    for (const char* word : words) ids.push_back(FakeTokenizer::number(word));
    return ids;
  }
};

TEST_F(PlainTextTest, DocumentsAreToldByBlankLines) {
  write("a.txt", "\n\none\ntwo\n \nthree\n\n\nfour");
  EXPECT_EQ(documents("a.txt"), (Texts{"one\ntwo", "three", "four"}));
  EXPECT_EQ(documents("a.txt", Documents::kLines), (Texts{"one", "two", "three", "four"}));
  write("b.txt", "one\r\ntwo\n\n");
  EXPECT_EQ(documents("b.txt"), (Texts{"one", "two"})) << "no blank line between lines";
  EXPECT_EQ(documents("b.txt", Documents::kBlankLines), Texts{"one\ntwo"});
  write_gz("c.txt.gz", "one\n\ntwo \xff\n");
  EXPECT_EQ(documents("c.txt.gz"), (Texts{"one", "two \xef\xbf\xbd"}));
  write("d.jsonl", "{\"text\": \"one\\n\\ntwo\"}\n\n{\"text\": \"three\", \"label\": 1}\n");
  EXPECT_EQ(documents("d.jsonl"), (Texts{"one\n\ntwo", "three"}));
  write("e.jsonl", "{\"title\": \"one\"}\n");
  EXPECT_THROW(documents("e.jsonl"), DataError);
  write("f.txt", "");
  EXPECT_EQ(documents("f.txt"), Texts{});
}

TEST_F(PlainTextTest, JsonIsToldByTheSuffixAlone) {
  write("A.JSONL", "{\"text\": \"one\"}\n");
  EXPECT_EQ(documents("A.JSONL"), Texts{"one"});
  write("x.jsonl.d/a.txt", "two\n");
  EXPECT_EQ(documents("x.jsonl.d/a.txt"), Texts{"two"});
}

TEST_F(PlainTextTest, RowsWithoutATextAreLeftOutOnRequest) {
  write("a.jsonl", "\n{\"text\": \"one\"}\n{\"text\": 1}\nno JSON\n{\"text\": \"t\xffwo\"}\n");
  write("b.txt", "three\n");
  BadSamples strict("error");
  try {
    documents({path("a.jsonl")}, Documents::kAuto, strict);
    FAIL();
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("a.jsonl:3"));
  }
  BadSamples bad("skip");
  EXPECT_EQ(documents({path("a.jsonl"), path("b.txt")}, Documents::kAuto, bad),
            (Texts{"one", "t\xef\xbf\xbdwo", "three"}));
  EXPECT_EQ(bad.count(), 2);
  SaidLines lines;
  const TokenBlocks made({path("a.jsonl")}, FakeTokenizer(true),
                         {.block_length = 8, .on_bad_sample = "skip"}, lines);
  EXPECT_EQ(made.documents(), 2);
  EXPECT_THAT(lines.all, ElementsAre(AllOf(HasSubstr("2 rows"), HasSubstr("a.jsonl:3"))));
}

TEST_F(PlainTextTest, DocumentsSayWhereTheyBegin) {
  write("a.txt",
        "\none\ntwo\n\nthr\xff"
        "ee\n");
  BadSamples bad("error");
  DocumentReader reader({path("a.txt")}, Documents::kAuto, bad);
  EXPECT_EQ(reader.next(), "one\ntwo");
  EXPECT_EQ(reader.place(), path("a.txt") + ":2");
  EXPECT_FALSE(reader.replaced());
  EXPECT_EQ(reader.next(),
            "thr\xef\xbf\xbd"
            "ee");
  EXPECT_EQ(reader.place(), path("a.txt") + ":5");
  EXPECT_TRUE(reader.replaced());
  EXPECT_EQ(reader.next(), std::nullopt);
}

TEST_F(PlainTextTest, APipeIsReadOnce) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const std::string text = "one\ntwo\n\nthree\n";
  ASSERT_EQ(::write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  ::close(ends[1]);
  BadSamples bad("error");
  EXPECT_EQ(documents({"/dev/fd/" + std::to_string(ends[0])}, Documents::kAuto, bad),
            (Texts{"one\ntwo", "three"}));
  ::close(ends[0]);
}

TEST_F(PlainTextTest, FilesAreFoundInFolders) {
  write("part10.txt", "c");
  write("part2.txt", "b");
  write("more/x.jsonl", "{\"text\": \"a\"}");
  write("val/y.txt", "d");
  write("test.txt", "e");
  write("notes.pdf", "f");
  write(".hidden.txt", "g");
  const auto found = find_plain_text(root_.string());
  EXPECT_THAT(found.train,
              ElementsAre(path("more/x.jsonl"), path("part2.txt"), path("part10.txt")));
  EXPECT_THAT(found.val, ElementsAre(path("val/y.txt")));
  ASSERT_EQ(found.left_out.size(), 1u);
  EXPECT_EQ(found.left_out[0].other_files, 2);
  EXPECT_EQ(found.left_out[0].hidden, 1);
  EXPECT_TRUE(is_plain_text(root_.string()));
  EXPECT_FALSE(is_plain_text(path("notes.pdf")));
  write("cat/1.png", "");
  EXPECT_FALSE(is_plain_text(root_.string()));
  EXPECT_THROW(find_plain_text(path("cat")), DataError);
}

TEST_F(PlainTextTest, BlocksAreConsecutiveTokens) {
  const auto made = blocks("aa bb\ncc dd ee\n", {.block_length = 5});
  EXPECT_EQ(made.documents(), 2);
  EXPECT_EQ(made.tokens(), 6);
  EXPECT_EQ(made.room(), 3);
  ASSERT_EQ(made.size(), 2);
  auto expected = ids({"aa", "bb"});
  expected.push_back(FakeTokenizer::kSep);
  EXPECT_EQ(made.get(0).ids, expected);
  EXPECT_EQ(made.get(1).ids, ids({"cc", "dd", "ee"}));
  EXPECT_EQ(made.get(1).ids, ids({"cc", "dd", "ee"})) << "again";
  EXPECT_THROW(made.get(2), InternalError);
}

TEST_F(PlainTextTest, BlocksOfWholeDocumentsEndWithThem) {
  const auto made = blocks("aa bb\ncc dd ee ff gg\n", {.block_length = 6, .whole_documents = true});
  ASSERT_EQ(made.size(), 3);
  EXPECT_EQ(made.get(0).ids, ids({"aa", "bb"}));
  EXPECT_EQ(made.get(1).ids, ids({"cc", "dd", "ee"}));
  EXPECT_EQ(made.get(2).ids, ids({"ff", "gg"}));
  EXPECT_EQ(made.document_of(0), 0);
  EXPECT_EQ(made.document_of(2), 1);
}

TEST_F(PlainTextTest, BlocksKnowWhereWordsBegin) {
  const auto made = blocks("abcdefg hi\n", {.block_length = 8, .threads = 3});
  EXPECT_EQ(made.get(0).ids, ids({"abc", "def", "g", "hi"}));
  EXPECT_EQ(made.get(0).begins_word, (std::vector<uint8_t>{1, 0, 0, 1}));
}

TEST_F(PlainTextTest, BlocksDoNotDependOnThreadsAndLeaveNoFile) {
  std::string content;
  for (int i = 0; i < 3000; ++i)
    content += "word" + std::to_string(i * i) + (i % 7 == 0 ? "\n" : " ");
  const TokenBlockOptions options{.block_length = 16, .cache_folder = root_ / "cache"};
  std::filesystem::create_directories(root_ / "cache");
  const auto one = blocks(content, options);
  auto several = options;
  several.threads = 4;
  const auto four = blocks(content, several);
  ASSERT_EQ(one.size(), four.size());
  for (int64_t i = 0; i < one.size(); ++i) EXPECT_EQ(one.get(i).ids, four.get(i).ids);
  EXPECT_TRUE(std::filesystem::is_empty(root_ / "cache"));
}

TEST_F(PlainTextTest, BlocksNeedRoomAndText) {
  EXPECT_THROW(blocks("a", {.block_length = 3}), ConfigError);
  EXPECT_THROW(blocks("\n \n", {.block_length = 8}), DataError);
  EXPECT_EQ(blocks("a\nb", {.block_length = 4}, false).get(0).ids, ids({"a", "b"}))
      << "a tokenizer without special tokens";
  EXPECT_THROW(blocks("a", {.cache_folder = "/nonexistent"}), IoError);
}

}  // namespace
}  // namespace braid::data
