// Reports on texts that are no labelled ones: their counts, and what is odd about which row.
#include <gmock/gmock.h>

#include "braid/core/error.h"
#include "braid/data/text/corpus_report.h"
#include "tests/data/text_folder.h"

namespace braid::data {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

class CorpusReportTest : public TextFolderTest {
 protected:
  // The places of a finding; fails where there is none.
  static std::vector<std::string> places(const CorpusReport& report, const std::string& what) {
    for (const auto& finding : report.findings)
      if (finding.what.find(what) != std::string::npos) {
        EXPECT_EQ(finding.count, static_cast<int64_t>(finding.places.size()));
        return finding.places;
      }
    ADD_FAILURE() << "no finding: " << what;
    return {};
  }
  Progress silent_;
};

TEST_F(CorpusReportTest, ParallelTextNamesOddRows) {
  write("train.en", "a b\n\nsame text\nc\xff d\ntested\n");
  write("train.de", "A B\nB\nsame text\nC\nx\n");
  write("test.en", "tested\n");
  write("test.de", "x\n");
  const auto report = describe_parallel(root_.string(), "", "", silent_);
  EXPECT_EQ(report.kind, "parallel text, en to de");
  ASSERT_EQ(report.parts.size(), 2u) << "no val";
  EXPECT_THAT(report.parts[0].counts, ElementsAre(Pair("pairs", 5)));
  EXPECT_EQ(report.parts[0].words[0].second.longest, 2);
  EXPECT_THAT(places(report, "empty side"), ElementsAre(path("train.en") + ":2"));
  EXPECT_THAT(places(report, "same text"), ElementsAre(path("train.en") + ":3"));
  EXPECT_THAT(places(report, "no UTF-8"), ElementsAre(path("train.en") + ":4"));
  EXPECT_THAT(places(report, "another split"), ElementsAre(path("train.en") + ":5"));
  EXPECT_EQ(report.bad_samples, 0);
  EXPECT_THAT(findings_text(report), HasSubstr("Every pair can be read."));
  const auto back = describe_parallel(path("train.en") + "," + path("train.de"), "", "", silent_);
  EXPECT_THAT(counts_text(back), HasSubstr("train                 5"));
  write("train.de", "A\n");
  EXPECT_THROW(describe_parallel(root_.string(), "", "", silent_), DataError);
}

TEST_F(CorpusReportTest, SidesOfVeryDifferentLengthAreSaid) {
  std::string ten = "w";
  for (int i = 1; i < 10; ++i) ten += " w";
  write("a.en", ten + "\n" + ten + "\n");
  write("a.de", "w\nw w\n");
  const auto report = describe_parallel(path("a.en") + "," + path("a.de"), "", "", silent_);
  EXPECT_THAT(places(report, "9 times"), ElementsAre(path("a.en") + ":1"));
}

TEST_F(CorpusReportTest, TaggedTextCountsTags) {
  write("train.conll", "Ada B-PER\nran O\n\nbad\n\nBob B-PER\nsat O\n");
  write("dev.conll", "Ada B-PER\nran O\n\nEve B-ORG\n");
  const auto report = describe_tagged(root_.string(), silent_);
  EXPECT_THAT(report.labels, ElementsAre("O", "B-PER"));
  ASSERT_EQ(report.parts.size(), 2u);
  EXPECT_THAT(report.parts[0].counts, ElementsAre(Pair("sentences", 2), Pair("words", 4)));
  EXPECT_THAT(report.parts[0].labels, ElementsAre(2, 2));
  EXPECT_EQ(report.bad_samples, 2);
  EXPECT_THAT(places(report, "cannot be used"),
              ElementsAre(HasSubstr("train.conll:4"), HasSubstr("dev.conll:4")));
  EXPECT_THAT(places(report, "another split"), ElementsAre(path("train.conll") + ":1"));
  EXPECT_THAT(findings_text(report), HasSubstr("2 sentences cannot be used."));
  EXPECT_EQ(corpus_json(report).at("labels").at("B-PER"), Json({{"train", 2}, {"val", 1}}));
}

TEST_F(CorpusReportTest, QuestionsNameEveryBadRow) {
  const std::string bad =
      R"({"question": "who?", "context": "ada ran", "answers": [{"text": "bob", "answer_start": 0}]})";
  write(
      "q.jsonl",
      R"({"question": "who ran?", "context": "ada ran", "answers": [{"text": "ada", "answer_start": 0}]})"
      "\n" +
          bad + "\n" + bad + "\n");
  const auto report = describe_questions(path("q.jsonl"), silent_);
  EXPECT_EQ(report.bad_samples, 2);
  EXPECT_THAT(places(report, "cannot be used"),
              ElementsAre(HasSubstr("q.jsonl:2"), HasSubstr("q.jsonl:3")));
  ASSERT_EQ(report.parts.size(), 1u);
  EXPECT_THAT(report.parts[0].counts,
              ElementsAre(Pair("questions", 1), Pair("contexts", 1), Pair("without_answer", 0)));
}

TEST_F(CorpusReportTest, PlainTextNamesRows) {
  write("a.jsonl", "{\"text\": \"one two\"}\n\n{\"title\": 1}\n{\"text\": \"\"}\n");
  write("b.txt", "three\nf\xffour\n");
  const auto report = describe_plain(root_.string(), silent_);
  ASSERT_EQ(report.parts.size(), 1u);
  EXPECT_THAT(report.parts[0].counts,
              ElementsAre(Pair("documents", 4), Pair("words", 4), Pair("bytes", 19)));
  EXPECT_THAT(places(report, "cannot be used"), ElementsAre(HasSubstr("a.jsonl:3")));
  EXPECT_THAT(places(report, "empty text"), ElementsAre(path("a.jsonl") + ":4"));
  EXPECT_THAT(places(report, "no UTF-8"), ElementsAre(path("b.txt") + ":2"));
  EXPECT_THAT(findings_text(report),
              AllOf(HasSubstr("Texts that cannot be used: 1"), HasSubstr("1 text cannot be used")));
  write("c/d.txt", "fine\n");
  EXPECT_THAT(describe_plain(path("c"), silent_).findings, IsEmpty());
}

}  // namespace
}  // namespace braid::data
