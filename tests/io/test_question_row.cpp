#include "braid/io/question_row.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "braid/core/error.h"

namespace braid::io {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string refusal_of(std::string_view line) {
  try {
    parse_question_row(line, "train.jsonl:3");
  } catch (const DataError& e) {
    return e.what();
  }
  return "";
}

TEST(QuestionRow, ReadsListsOfAnswersAndListsOfTextsAlike) {
  for (const char* answers :
       {R"([{"text": "Zoë", "answer_start": 7}])", R"({"text": ["Zoë"], "answer_start": [7]})"}) {
    const auto row = parse_question_row(
        R"({"id": "q", "question": "Wer?", "context": "Es wär Zoë.", "answers": )" +
            std::string(answers) + "}",
        "here");
    EXPECT_EQ(row.id, "q");
    EXPECT_EQ(row.question, "Wer?");
    ASSERT_EQ(row.answers.size(), 1u);
    EXPECT_EQ(row.answers[0].begin, 8u) << "characters before it, of which one has two bytes";
    EXPECT_EQ(row.context.substr(row.answers[0].begin, row.answers[0].text.size()), "Zoë");
  }
}

TEST(QuestionRow, AKeyThatIsThereTwiceIsRefused) {
  EXPECT_THAT(refusal_of(R"({"question": "Who?", "context": "Ada.", "context": "Bob.",
                             "answers": []})"),
              AllOf(HasSubstr("train.jsonl:3"), HasSubstr("'context'")));
}

TEST(QuestionRow, AnIdMayBeANumber) {
  const auto id_of = [](const std::string& id) {
    return parse_question_row(
               R"({"id": )" + id + R"(, "question": "Who?", "context": "Ada.", "answers": []})",
               "here")
        .id;
  };
  EXPECT_EQ(id_of("7"), "7");
  EXPECT_EQ(id_of("\"7\""), "7");
  EXPECT_EQ(id_of("null"), "here");
}

TEST(QuestionRow, AnImpossibleQuestionHasNoAnswer) {
  const auto row = parse_question_row(
      R"({"question": "Why?", "context": "It was Ada.", "is_impossible": true})", "here");
  EXPECT_TRUE(row.answers.empty());
  EXPECT_EQ(row.id, "here") << "without an id the place is one";
  for (const char* answers :
       {R"([{"text": "Ada", "answer_start": 7}])", R"({"text": ["Ada"], "answer_start": [7]})"})
    EXPECT_THAT(refusal_of(R"({"question": "Why?", "context": "It was Ada.",
                               "is_impossible": true, "answers": )" +
                           std::string(answers) + "}"),
                AllOf(HasSubstr("train.jsonl:3"), HasSubstr("is_impossible")));
  EXPECT_EQ(refusal_of(R"({"question": "Why?", "context": "It was Ada.", "is_impossible": true,
                           "answers": {"text": [], "answer_start": []}})"),
            "");
}

TEST(QuestionRow, SaysWhereAnAnswerShouldStand) {
  EXPECT_THAT(refusal_of(R"({"question": "Who?", "context": "It was Ada.",
                             "answers": [{"text": "Ada", "answer_start": 6}]})"),
              AllOf(HasSubstr("train.jsonl:3"), HasSubstr("' Ad'"), HasSubstr("from 0")));
  for (const char* start : {"-1", "400", "7.5", "\"7\"", "null"})
    EXPECT_NE(refusal_of(R"({"question": "Who?", "context": "It was Ada.",
                             "answers": [{"text": "Ada", "answer_start": )" +
                         std::string(start) + "}]}"),
              "")
        << start;
}

TEST(QuestionRow, EachQuestionOfASquadFileIsReadByItself) {
  const auto file = parse_json(std::string_view(R"({"data": [{"paragraphs": [
      {"context": "It was Ada.", "qas": [
          {"id": "1", "question": "Who?", "answers": [{"text": "Ada", "answer_start": 7}]},
          {"id": "2", "answers": []}, 17]}]}]})"),
                               {.component = "data", .where = "dev.json"});
  std::vector<std::string> seen;
  each_squad_question(file, "dev.json", [&](const auto& read, const std::string& place) {
    try {
      seen.push_back(read().question);
    } catch (const DataError&) {
      seen.push_back(place);
    }
  });
  EXPECT_EQ(seen, (std::vector<std::string>{"Who?", "dev.json, paragraph 1, question \"2\"",
                                            "dev.json, paragraph 1, question 3"}));
  EXPECT_THROW(each_squad_question(Json::object(), "dev.json", [](const auto&, const auto&) {}),
               DataError);
}

}  // namespace
}  // namespace braid::io
