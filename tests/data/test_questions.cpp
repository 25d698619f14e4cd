// Questions on texts: SQuAD's files and rows of JSON, what is wrong with them, and their splits.
#include "braid/data/text/questions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "braid/core/error.h"
#include "braid/data/data_kind.h"

namespace braid::data {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

class QuestionFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::temp_directory_path() / ("braid_questions" + std::to_string(::getpid()));
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  void TearDown() override { fs::remove_all(root_); }
  void write(const char* name, const std::string& text) const {
    std::ofstream(root_ / name) << text;
  }
  std::string refusal(const QuestionOptions& options = {}) const {
    try {
      open_questions(root_.string(), options);
    } catch (const DataError& e) {
      return e.what();
    }
    return "no error";
  }

  fs::path root_;
};

std::string row(const std::string& id, const std::string& context, const std::string& answers) {
  return R"({"id": ")" + id + R"(", "title": "t", "context": ")" + context +
         R"(", "question": "who?", "answers": )" + answers + "}\n";
}

constexpr const char* kSquad = R"({"version": "v2.0", "data": [{"title": "t", "paragraphs": [
  {"context": "Übermut: Ada ran.", "qas": [
    {"id": "a", "question": "Who ran?", "is_impossible": false,
     "answers": [{"text": "Ada", "answer_start": 9}, {"text": "Übermut", "answer_start": 0}]},
    {"id": "b", "question": "Who sat?", "is_impossible": true,
     "answers": [], "plausible_answers": [{"text": "Ada", "answer_start": 9}]}]},
  {"context": "Alan sat.", "qas": [
    {"id": "c", "question": "Who?", "answers": [{"text": "Alan", "answer_start": 0}]}]}]}]})";

TEST_F(QuestionFiles, SquadIsRead) {
  write("train-v2.0.json", kSquad);
  write("dev-v2.0.json", kSquad);
  EXPECT_EQ(kind_of_data(root_.string()), DataKind::kQuestions);
  const auto splits = open_questions(root_.string());
  ASSERT_TRUE(splits.train && splits.val);
  EXPECT_FALSE(splits.test);
  const auto& questions = *splits.train;
  ASSERT_EQ(questions.size(), 3);
  EXPECT_EQ(questions.contexts().size(), 2u);
  EXPECT_TRUE(questions.some_unanswerable());
  ASSERT_EQ(questions.get(0).answers.size(), 2u);
  EXPECT_EQ(questions.get(0).answers[0].begin, 10u) << "bytes: Ü has two";
  EXPECT_EQ(questions.get(0).id, "a");
  EXPECT_TRUE(questions.get(1).answers.empty());
  EXPECT_EQ(questions.context_of(questions.get(2)), "Alan sat.");
}

TEST_F(QuestionFiles, RowsAreReadInBothForms) {
  write("train.jsonl", row("a", "Ada ran.", R"({"text": ["Ada"], "answer_start": [0]})") + "\n" +
                           row("b", "Ada ran.", R"([{"text": "ran", "answer_start": 4}])") +
                           row("c", "Alan sat.", R"({"text": [], "answer_start": []})"));
  EXPECT_EQ(kind_of_data((root_ / "train.jsonl").string()), DataKind::kQuestions);
  const auto splits = open_questions((root_ / "train.jsonl").string(), {.val_fraction = 0.5});
  ASSERT_TRUE(splits.train && splits.val);
  EXPECT_EQ(splits.train->size() + splits.val->size(), 3);
  EXPECT_EQ(splits.train->contexts().size(), 1u) << "what is asked of a text stays together";
  EXPECT_EQ(splits.val->contexts().size(), 1u);
  EXPECT_FALSE(open_questions((root_ / "train.jsonl").string()).val);
}

TEST_F(QuestionFiles, WhatIsWrongIsNamed) {
  const std::string good = row("a", "Ada ran.", R"({"text": ["Ada"], "answer_start": [0]})");
  const auto refused = [&](const std::string& bad) {
    write("train.jsonl", good + bad);
    return refusal();
  };
  EXPECT_THAT(
      refused(row("b", "Ada ran.", R"({"text": ["Ada"], "answer_start": [1]})")),
      AllOf(HasSubstr("train.jsonl:2"), HasSubstr("'Ada' at character 1"), HasSubstr("got 'da '")));
  for (const char* start : {"-1", "99", "1.5", "\"0\"", "4294967296"})
    EXPECT_THAT(refused(row("b", "Ada ran.",
                            std::string(R"({"text": ["Ada"], "answer_start": [)") + start + "]}")),
                HasSubstr("train.jsonl:2"));
  EXPECT_THAT(refused(row("b", "Ada ran.", R"({"text": ["", "x"], "answer_start": [0, 0]})")),
              HasSubstr("train.jsonl:2"));
  EXPECT_THAT(refused(row("b", "Ada ran.", R"({"text": ["Ada"], "answer_start": []})")),
              HasSubstr("as many texts"));
  EXPECT_THAT(refused(row("b", " ", R"({"text": [], "answer_start": []})")),
              AllOf(HasSubstr("train.jsonl:2"), HasSubstr("context")));
  EXPECT_THAT(refused(good), AllOf(HasSubstr("train.jsonl:2"), HasSubstr("'a' twice")));
  EXPECT_THAT(refused("{\"id\": \"b\", \"context\": \"x\", \"answers\": []}\n"),
              AllOf(HasSubstr("train.jsonl:2"), HasSubstr("question")));
  EXPECT_THAT(refused("{\"id\": \"b\", \"context\": \"x\", \"question\": \"y\"}\n"),
              HasSubstr("answers"));
  EXPECT_THAT(refused("[1]\n"), HasSubstr("train.jsonl:2"));
  EXPECT_THAT(refused("not json\n"), HasSubstr("train.jsonl:2"));
  write("train.jsonl", good + row("b", "Ada ran.", R"({"text": ["Bob"], "answer_start": [0]})") +
                           row("c", "Ada ran.", R"({"text": ["ran"], "answer_start": [4]})"));
  const auto splits = open_questions(root_.string(), {.on_bad_sample = "skip"});
  EXPECT_EQ(splits.train->size(), 2);
  EXPECT_EQ(splits.bad_samples, 1);
  EXPECT_THAT(splits.remarks, Contains(HasSubstr("Left out 1 question that could not be read: ")));
}

TEST_F(QuestionFiles, ASquadFileNamesItsQuestions) {
  std::string bad = kSquad;
  bad.replace(bad.find("\"answer_start\": 9"), 17, "\"answer_start\": 8");
  write("train.json", bad);
  EXPECT_THAT(refusal(), AllOf(HasSubstr("train.json"), HasSubstr("paragraph 1"),
                               HasSubstr("question \"a\"")));
  for (const char* text : {R"({"data": [{"paragraphs": 1}]})", R"({"data": [{"paragraphs": [1]}]})",
                           R"({"data": [{"paragraphs": [{"context": "x", "qas": [1]}]}]})",
                           R"({"data": {"paragraphs": []}})",
                           R"({"data": [{"paragraphs": [{"context": 1, "qas": [{"id": 5}]}]}]})"}) {
    write("train.json", text);
    EXPECT_THAT(refusal(), HasSubstr("train.json")) << text;
  }
}

TEST_F(QuestionFiles, QuestionsWithoutIdsAreToldApart) {
  write("train.json", R"({"data": [{"paragraphs": [{"context": "Ada ran.", "qas": [
    {"question": "Who ran?", "answers": [{"text": "Ada", "answer_start": 0}]},
    {"question": "Who sat?", "answers": []}]}]}]})");
  const auto splits = open_questions(root_.string(), {});
  ASSERT_EQ(splits.train->size(), 2);
  EXPECT_THAT(splits.train->get(1).id, HasSubstr("question 2"));
}

// A file that is named is read, whatever it holds, so that its own fault is said.
TEST_F(QuestionFiles, ANamedFilesOwnFaultIsSaid) {
  write("torn.jsonl", "{\"question\": \"who");
  EXPECT_FALSE(is_question_data((root_ / "torn.jsonl").string()));
  try {
    open_questions((root_ / "torn.jsonl").string(), {});
    FAIL() << "no error";
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), AllOf(HasSubstr("torn.jsonl:1"), HasSubstr("JSON syntax")));
  }
}

TEST_F(QuestionFiles, WhatIsAskedIsAJsonLine) {
  const auto asked = parse_asked_question(
      R"({"id": 7, "question": "Who ran?", "context": "Ada ran."})", "question 1");
  EXPECT_EQ(asked.question, "Who ran?");
  EXPECT_EQ(asked.context, "Ada ran.");
  EXPECT_EQ(asked.id, 7);
  for (const char* line : {"hello", "[1]", R"({"question": "Who?"})",
                           R"({"question": "Who?", "question": "Why?", "context": "Ada ran."})"}) {
    try {
      parse_asked_question(line, "question 2");
      FAIL() << "no error: " << line;
    } catch (const DataError& e) {
      EXPECT_THAT(e.what(), AllOf(HasSubstr("\"context\""), HasSubstr("question 2"))) << line;
    }
  }
}

TEST_F(QuestionFiles, OtherRowsAreNone) {
  write("train.jsonl", "{\"text\": \"a film\", \"label\": \"good\"}\n");
  EXPECT_FALSE(is_question_data(root_.string()));
  EXPECT_EQ(kind_of_data(root_.string()), DataKind::kLabelledText);
}

}  // namespace
}  // namespace braid::data
