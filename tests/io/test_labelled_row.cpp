#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "braid/core/error.h"
#include "braid/io/labelled_row.h"

namespace braid::io {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string json_error(const std::string& line) {
  try {
    parse_json_row(line, "train.jsonl:17");
  } catch (const DataError& e) {
    return e.what();
  }
  return "no error";
}

TEST(JsonRow, KnowsGluesNames) {
  const auto plain = parse_json_row(R"({"text": "a \u00e9", "label": "pos"})", "");
  EXPECT_EQ(plain.text, "a \xc3\xa9");
  EXPECT_EQ(plain.label, "pos");
  EXPECT_FALSE(plain.pair);
  const auto pair =
      parse_json_row(R"({"sentence1": "a", "sentence2": "b", "label": 3, "idx": 9})", "");
  EXPECT_EQ(pair.text, "a");
  EXPECT_EQ(pair.pair, "b");
  EXPECT_EQ(pair.label, "3");
  const auto qnli = parse_json_row(R"({"question": "q", "sentence": "s", "label": 0})", "");
  EXPECT_EQ(qnli.text, "q");
  EXPECT_EQ(qnli.pair, "s");
}

TEST(JsonRow, LabelsAreNamesOrWholeNumbers) {
  const auto label = [](const std::string& value) {
    return parse_json_row(R"({"text": "a", "label": )" + value + "}", "").label;
  };
  EXPECT_EQ(label("-1"), "-1");
  EXPECT_EQ(label("2.0"), "2");
  EXPECT_EQ(label("true"), "true");
  EXPECT_EQ(label("\"2\""), "2");
  EXPECT_EQ(label("null"), std::nullopt);
  EXPECT_EQ(label("18446744073709551615"), "18446744073709551615");
  EXPECT_THAT(json_error(R"({"text": "a", "label": 3.8})"),
              AllOf(HasSubstr("got 3.8"), HasSubstr("train.jsonl:17")));
  EXPECT_THAT(json_error(R"({"text": "a", "label": [1]})"), HasSubstr("got array"));
}

TEST(JsonRow, SaysWhatIsWrong) {
  EXPECT_THAT(json_error(R"({"text": "a", )"),
              AllOf(HasSubstr("JSON syntax at byte"), HasSubstr("train.jsonl:17"),
                    HasSubstr("--on-bad-sample skip")));
  EXPECT_THAT(json_error("[1]"), HasSubstr("expected a JSON object, got array"));
  EXPECT_THAT(json_error("{}"), HasSubstr("got an empty object"));
  EXPECT_THAT(json_error(R"({"utterance": "a", "label": 1})"),
              AllOf(HasSubstr("got the keys utterance, label"), HasSubstr("text, sentence")));
  EXPECT_THAT(json_error(R"({"text": 5, "label": 1})"), HasSubstr("a text in 'text', got number"));
  EXPECT_THAT(json_error(R"({"text": "a", "label": 1, "label": 2})"),
              HasSubstr("duplicate key 'label'"));
  EXPECT_THAT(json_error("{\"text\": \"a\xff\", \"label\": 1}"), HasSubstr("JSON syntax"));
}

TEST(TableRow, CellsAreSplit) {
  using Cells = std::vector<std::string>;
  EXPECT_EQ(split_tab_row("a \"b\tc"), (Cells{"a \"b", "c"}));
  EXPECT_EQ(split_tab_row(""), Cells{""});
  EXPECT_EQ(split_tab_row("\t"), (Cells{"", ""}));
  EXPECT_EQ(split_comma_row("a,\"b, \"\"c\"\"\",\"\""), (Cells{"a", "b, \"c\"", ""}));
  EXPECT_EQ(split_comma_row("\"two\nlines\",1"), (Cells{"two\nlines", "1"}));
  EXPECT_EQ(split_comma_row("an 8\" disk,1"), (Cells{"an 8\" disk", "1"}));
  EXPECT_EQ(split_comma_row("\"open,1"), std::nullopt);
}

TEST(TableRow, HeadersNameColumns) {
  const auto sst2 = columns_of_header({"sentence", "label"}, "");
  ASSERT_TRUE(sst2);
  EXPECT_EQ(sst2->text, 0u);
  EXPECT_EQ(sst2->label, 1u);
  const auto mrpc = columns_of_header({"Quality", "#1 ID", "#2 ID", "#1 String", "#2 String"}, "");
  ASSERT_TRUE(mrpc);
  EXPECT_EQ(mrpc->text, 3u);
  EXPECT_EQ(mrpc->pair, 4u);
  EXPECT_EQ(mrpc->label, 0u);
  const auto unlabelled = columns_of_header({"index", "sentence"}, "");
  ASSERT_TRUE(unlabelled);
  EXPECT_FALSE(unlabelled->label);
  EXPECT_FALSE(columns_of_header({"a fine text", "1"}, ""));
  EXPECT_FALSE(columns_of_header({"text", "1"}, "")) << "a text that says text";
  EXPECT_THROW(columns_of_header({"text", "label", "label"}, ""), DataError);
}

TEST(TableRow, LabelsAreGuessedByTheirFewValues) {
  const auto last = guess_columns({{"good film", "1"}, {"bad film", "0"}, {"so so", "1"}}, "");
  EXPECT_EQ(last.label, 1u);
  const auto first = guess_columns({{"pos", "good film"}, {"neg", "bad"}, {"pos", "so"}}, "");
  EXPECT_EQ(first.label, 0u);
  EXPECT_EQ(first.text, 1u);
  EXPECT_EQ(guess_columns({{"7", "one text"}}, "").label, 0u) << "a number is a label";
  const auto pairs = guess_columns({{"a b", "c d", "1"}, {"e", "f", "1"}}, "");
  EXPECT_EQ(pairs.pair, 1u);
  EXPECT_THROW(guess_columns({{"only texts"}}, ""), DataError);
  EXPECT_THROW(guess_columns({{"a", "b", "c", "d"}}, ""), DataError);
  EXPECT_THROW(row_of_cells({"a", "b", "1"}, last, "dev.tsv:3"), DataError);
}

}  // namespace
}  // namespace braid::io
