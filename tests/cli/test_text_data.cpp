// braid data on texts, and Debian's descriptions from an apt whose lists are made up.
#include <gmock/gmock.h>

#include "braid/core/config.h"
#include "tests/cli/program.h"
#include "tests/data/fake_apt.h"

namespace braid::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

using TextDataProgram = ProgramTest;

TEST_F(TextDataProgram, DescribesAndChecksTexts) {
  write("data/train.tsv", "good film\tpos\nbad film\tneg\nbad film\tneg\n");
  write("data/test.jsonl", "{\"text\": \"good film\", \"label\": \"pos\"}\n");
  const auto info = braid("data info data");
  EXPECT_EQ(info.code, 0) << info.err;
  EXPECT_THAT(info.out, AllOf(HasSubstr("data: 2 classes of texts"),
                              HasSubstr("pos                              1         1")));
  const auto json = Json::parse(braid("data info data --format json").out);
  EXPECT_EQ(json.at("splits").at("train").at("per_class"), Json({2, 1}));
  EXPECT_TRUE(json.at("splits").at("val").is_null());
  const auto check = braid("data check data");
  EXPECT_EQ(check.code, 0) << check.err;
  EXPECT_THAT(check.out, AllOf(HasSubstr("Texts in more than one split: 1"),
                               HasSubstr("Further copies of a text within its class: 1"),
                               HasSubstr("Every text can be read.")));
}

TEST_F(TextDataProgram, FlagsThatATypeOfTokenizerDoesNotReadAreRefused) {
  write("a.txt", "a film of films\n");
  const std::string verb = "data train-tokenizer --vocab-size 300 --output out a.txt --type ";
  for (const auto& [flags, what] : std::vector<std::pair<std::string, std::string>>{
           {"bpe --cased", "--cased"},
           {"unigram --min-frequency 3", "--min-frequency"},
           {"wordpiece --character-coverage 0.99", "--character-coverage"},
           {"bpe --byte-fallback", "--byte-fallback"}}) {
    const auto refused = braid(verb + flags);
    EXPECT_EQ(refused.code, 64) << flags;
    EXPECT_THAT(refused.err, HasSubstr(what));
  }
  EXPECT_EQ(braid(verb + "wordpiece --cased --min-frequency 1").code, 0);
}

TEST_F(TextDataProgram, BadRowsEndACheckWith65) {
  write("a.jsonl",
        "{\"text\": \"a\", \"label\": 1}\n{\"text\": \"b\"\n{\"text\": \"b\", \"label\": 0}\n");
  const auto check = braid("data check a.jsonl");
  EXPECT_EQ(check.code, 65);
  EXPECT_THAT(check.out, AllOf(HasSubstr("Texts that cannot be used: 1"), HasSubstr("a.jsonl:2")));
  EXPECT_THAT(check.err, HasSubstr("1 text cannot be used"));
  const auto info = braid("data info a.jsonl");
  EXPECT_EQ(info.code, 0);
  EXPECT_THAT(info.out, HasSubstr("A row cannot be used and is left out"));
}

TEST_F(TextDataProgram, DescribesAndChecksQuestions) {
  write(
      "q.jsonl",
      R"({"id": "1", "question": "who ran?", "context": "ada ran", "answers": {"text": ["ada"], "answer_start": [0]}}
{"id": "2", "question": "who sat?", "context": "ada ran", "answers": {"text": [], "answer_start": []}}
{"id": "3", "question": "who sat?", "context": "ada ran", "answers": {"text": ["bob"], "answer_start": [0]}}
)");
  const auto info = braid("data info q.jsonl");
  EXPECT_EQ(info.code, 0) << info.err;
  EXPECT_THAT(info.out, AllOf(HasSubstr("q.jsonl: questions on texts"), HasSubstr("q.jsonl:3")));
  const auto json = Json::parse(braid("data info q.jsonl --format json").out);
  EXPECT_EQ(json.at("splits").at("train"),
            Json({{"questions", 2}, {"contexts", 1}, {"without_answer", 1}}));
  const auto check = braid("data check q.jsonl");
  EXPECT_EQ(check.code, 65);
  EXPECT_THAT(check.err, HasSubstr("1 question cannot be used"));
}

TEST_F(TextDataProgram, DescribesPlainText) {
  write("plain/a.txt", "one two\nthree\n\nfour\n");
  const auto info = braid("data info plain");
  EXPECT_EQ(info.code, 0) << info.err;
  EXPECT_THAT(info.out,
              AllOf(HasSubstr("plain: plain text"), HasSubstr("train                 2          4"),
                    HasSubstr("Training splits a val off train")));
  const auto splits = Json::parse(braid("data info plain --format json").out).at("splits");
  EXPECT_EQ(splits.at("train").at("documents"), 2);
  EXPECT_TRUE(splits.at("val").is_null() && splits.at("test").is_null()) << splits;
  write("both/train.txt", "one two\n");
  write("both/val.txt", "three\n");
  EXPECT_EQ(braid("data info both").out.find("Training splits"), std::string::npos);
  EXPECT_EQ(
      Json::parse(braid("data info both --format json").out).at("splits").at("val").at("documents"),
      1);
  write("plain/b.jsonl", "{\"text\": \"five\"}\n{\"title\": \"six\"}\n");
  const auto check = braid("data check plain");
  EXPECT_EQ(check.code, 65);
  EXPECT_THAT(check.out, HasSubstr("plain/b.jsonl:2"));
  EXPECT_THAT(check.err, HasSubstr("1 text cannot be used"));
}

TEST_F(TextDataProgram, DescribesAndChecksParallelAndTaggedText) {
  write("pairs/train.en", "one\ntwo\n");
  write("pairs/train.de", "eins\n\n");
  const auto info = braid("data info pairs");
  EXPECT_EQ(info.code, 0) << info.err;
  EXPECT_THAT(info.out, HasSubstr("pairs: parallel text, en to de"));
  EXPECT_TRUE(
      Json::parse(braid("data info pairs --format json").out).at("splits").at("val").is_null());
  EXPECT_THAT(braid("data info pairs --source-lang de").out, HasSubstr("de to en"));
  const auto check = braid("data check pairs/train.en,pairs/train.de");
  EXPECT_EQ(check.code, 0) << check.err;
  EXPECT_THAT(check.out, HasSubstr("pairs/train.en:2"));
  write("pairs/train.de", "eins\n");
  const auto unequal = braid("data check pairs");
  EXPECT_EQ(unequal.code, 65);
  EXPECT_THAT(unequal.err, HasSubstr("pairs/train.de:1, 'eins'"));

  write("tags.conll", "Ada B-PER\nran O\n\nbad\n");
  const auto tags = braid("data info tags.conll");
  EXPECT_EQ(tags.code, 0) << tags.err;
  EXPECT_THAT(tags.out, AllOf(HasSubstr("tags.conll: words with tags"), HasSubstr("B-PER")));
  const auto bad = braid("data check tags.conll");
  EXPECT_EQ(bad.code, 65);
  EXPECT_THAT(bad.out, HasSubstr("tags.conll:4"));
}

TEST_F(TextDataProgram, TokenizesPackedLines) {
  write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nhello\n");
  write("a.txt", "hello\n");
  const auto plain = braid("data tokenize --tokenizer vocab.txt --no-special-tokens a.txt");
  EXPECT_EQ(plain.out, "hello\n") << plain.err;
  const auto packed =
      braid("data tokenize --tokenizer vocab.txt --no-special-tokens a.txt.gz", "gzip -k a.txt;");
  EXPECT_EQ(packed.out, plain.out) << packed.err;
}

TEST_F(TextDataProgram, AFullDiskIsNoBugOfOurs) {
  std::string lines;
  for (int i = 0; i < 10'000; ++i) lines += "a a a a\n";
  write("lines.txt", lines);
  write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n");
  const auto full = braid("data tokenize --tokenizer vocab.txt lines.txt >/dev/full");
  EXPECT_EQ(full.code, 74) << full.err;
}

TEST_F(TextDataProgram, DebiansDescriptionsComeThroughApt) {
  data::write_fake_apt(path("bin"), true);
  const std::string with_apt = "PATH=$PWD/bin:/usr/bin:/bin BRAID_DATA_HOME=$PWD/home";
  const auto made = braid("data get debian-packages", with_apt);
  EXPECT_EQ(made.code, 0) << made.err;
  const auto info = braid("data info debian-packages", with_apt);
  EXPECT_EQ(info.code, 0) << info.err;
  EXPECT_THAT(info.out, HasSubstr("3 classes of texts"));
  data::write_fake_apt(path("bin"), false);
  EXPECT_EQ(braid("data get debian-packages-text", with_apt).code, 75);
  const auto missing =
      braid("data get debian-packages-text", "PATH=$PWD/nothing BRAID_DATA_HOME=$PWD/empty");
  EXPECT_EQ(missing.code, 74);
  EXPECT_THAT(missing.err, HasSubstr("apt-get"));
  const auto unknown = braid("data info debian-packages-text", "BRAID_DATA_HOME=$PWD/home");
  EXPECT_EQ(unknown.code, 74);
  EXPECT_THAT(unknown.err, HasSubstr("braid data get debian-packages-text"));
}

}  // namespace
}  // namespace braid::test
