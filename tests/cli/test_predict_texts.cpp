// braid predict on lines of text: one rule for every kind of model.
#include <gmock/gmock.h>

#include <algorithm>

#include "braid/core/json.h"
#include "tests/cli/program.h"

namespace braid::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class PredictTexts : public ProgramTest {
 protected:
  void train(const std::string& arguments) {
    const auto trained =
        braid("train --model bert_tiny --epochs 1 --threads 1 --output run " + arguments);
    ASSERT_EQ(trained.code, 0) << trained.err;
  }
  void expect_exported_says(const Json& predictions) const;
  static std::vector<Json> rows(const std::string& out) {
    std::vector<Json> rows;
    std::istringstream lines(out);
    for (std::string line; std::getline(lines, line);) rows.push_back(Json::parse(line));
    return rows;
  }
};

// predictions: of "good film" and "bad film".
void PredictTexts::expect_exported_says(const Json& predictions) const {
  const auto exported = braid("export --checkpoint run --output m.onnx");
  ASSERT_EQ(exported.code, 0) << exported.err;
  const auto labelled = braid_run(
      "m.onnx --format json --text \"$(printf 'good film\\tbad film')\" "
      R"('{"text": "good film", "text_pair": "bad film"}')");
  const auto said = Json::parse(labelled.out);
  for (const auto& item : said) {
    EXPECT_EQ(item.at("predictions").at(0).at("class"), predictions.at(0).at("class"));
    EXPECT_NEAR(item.at("predictions").at(0).at("probability").get<double>(),
                predictions.at(0).at("probability").get<double>(), 1e-4);
  }
  EXPECT_EQ(said.at(0).at("predictions"), said.at(1).at("predictions"));
  const auto why = braid(R"(explain --checkpoint m.onnx --output why --format json )"
                         R"('{"text": "good film", "text_pair": "bad film"}')");
  ASSERT_EQ(why.code, 0) << why.err;
  const auto text = Json::parse(why.out).at("texts").at(0);
  EXPECT_EQ(text.at("text_pair"), "bad film");
  EXPECT_EQ(text.at("predicted"), predictions.at(0).at("class"));
  const auto lone = braid("explain --checkpoint m.onnx --output why 'good film'");
  EXPECT_EQ(lone.code, 65);
  EXPECT_THAT(lone.err, AllOf(HasSubstr("argument 1"), HasSubstr("expected two texts")));
}

TEST_F(PredictTexts, AModelOfPairsTakesPairs) {
  std::string content;
  for (int i = 0; i < 12; ++i)
    content += "good film " + std::to_string(i) +
               (i % 2 == 0 ? "\tfine film\tsame\n" : "\tbad film\tother\n");
  write("texts.tsv", content);
  train("--data texts.tsv");
  write("lines.txt",
        "good film\tbad film\n\n{\"text\": \"good film\", \"text_pair\": \"bad film\"}\n");
  const std::string predict = "predict --checkpoint run --format jsonl ";
  const auto found = braid(predict + "--list lines.txt");
  ASSERT_EQ(found.code, 0) << found.err;
  const auto of_lines = rows(found.out);
  ASSERT_EQ(of_lines.size(), 3u);
  EXPECT_EQ(of_lines[0].at("text"), "good film");
  EXPECT_EQ(of_lines[0].at("text_pair"), "bad film");
  EXPECT_EQ(of_lines[0].at("line"), 1);
  EXPECT_TRUE(of_lines[1].at("predictions").empty()) << "a blank line";
  EXPECT_EQ(of_lines[2].at("predictions"), of_lines[0].at("predictions"));

  write("bad.txt", "good film\tbad film\ngood film\nbad film\tfine film\n");
  const auto stopped = braid(predict + "--list bad.txt");
  EXPECT_EQ(stopped.code, 65);
  EXPECT_THAT(stopped.err, AllOf(HasSubstr("bad.txt:2"), HasSubstr("expected two texts")));
  EXPECT_EQ(rows(stopped.out).size(), 1u) << "what came before is answered";
  const auto skipped = braid(predict + "--list bad.txt --on-bad-sample skip");
  EXPECT_EQ(skipped.code, 0) << skipped.err;
  ASSERT_EQ(rows(skipped.out).size(), 2u);
  EXPECT_EQ(rows(skipped.out)[1].at("line"), 3);
  EXPECT_THAT(skipped.err, HasSubstr("1 of 3 lines is left out."));
  const std::string explain = "explain --checkpoint run --steps 2 --output why --format json ";
  const auto lone = braid(explain + "'good film'");
  EXPECT_EQ(lone.code, 65);
  EXPECT_THAT(lone.err, AllOf(HasSubstr("argument 1"), HasSubstr("expected two texts")));
  const auto why = braid(explain +
                         "\"$(printf 'good film\\tbad film')\" "
                         R"('{"text": "good film", "text_pair": "bad film"}')");
  ASSERT_EQ(why.code, 0) << why.err;
  const auto texts = Json::parse(why.out).at("texts");
  ASSERT_EQ(texts.size(), 2u);
  EXPECT_EQ(texts[0], texts[1]);
  EXPECT_EQ(texts[0].at("text"), "good film");
  EXPECT_EQ(texts[0].at("text_pair"), "bad film");
  EXPECT_EQ(texts[0].at("predicted"), of_lines[0].at("predictions").at(0).at("class"));
  const auto& tokens = texts[0].at("tokens");
  EXPECT_TRUE(tokens.front().at("sequence").is_null()) << "[CLS]";
  EXPECT_TRUE(tokens.back().at("sequence").is_null()) << "[SEP]";
  int64_t before = 0;
  std::string letters[2];
  for (const auto& token : tokens) {
    if (token.at("sequence").is_null()) continue;
    const auto sequence = token.at("sequence").get<int64_t>();
    EXPECT_GE(sequence, before);
    before = sequence;
    const auto start = token.at("start").get<size_t>(), end = token.at("end").get<size_t>();
    letters[sequence] += texts[0]
                             .at(sequence == 0 ? "text" : "text_pair")
                             .get<std::string>()
                             .substr(start, end - start);
  }
  EXPECT_EQ(letters[0], "goodfilm");
  EXPECT_EQ(letters[1], "badfilm");
  expect_exported_says(of_lines[0].at("predictions"));
}

TEST_F(PredictTexts, WhatOneTextIsGivenToAModelOfSuchIsSaid) {
  std::string content;
  for (int i = 0; i < 12; ++i) content += i % 2 == 0 ? "good film\tpos\n" : "bad film\tneg\n";
  write("texts.tsv", content);
  train("--data texts.tsv --max-length 4");
  const auto pair =
      braid(R"(predict --checkpoint run '{"text": "good film", "text_pair": "bad film"}')");
  EXPECT_EQ(pair.code, 65);
  EXPECT_THAT(pair.err, AllOf(HasSubstr("argument 1"), HasSubstr("got two")));
  write("lines.txt", "good\tfilm\n\ngood film and more\n");
  const auto found = braid("predict --checkpoint run --list lines.txt --format jsonl");
  ASSERT_EQ(found.code, 0) << found.err;
  EXPECT_EQ(rows(found.out).size(), 3u);
  EXPECT_EQ(rows(found.out)[2].at("cut"), true);
  EXPECT_FALSE(rows(found.out)[0].contains("cut"));
  EXPECT_THAT(found.err, AllOf(HasSubstr("A tab is in 1 of the lines"),
                               HasSubstr("1 of 3 texts is cut to 4 tokens.")));
  const auto stopped =
      braid("predict --checkpoint run --list lines.txt --format jsonl --no-truncate");
  EXPECT_EQ(stopped.code, 65);
  EXPECT_EQ(rows(stopped.out).size(), 2u) << "what came before is answered";
  EXPECT_THAT(stopped.err, AllOf(HasSubstr("lines.txt:3"), HasSubstr("at most 4 tokens"),
                                 HasSubstr("--truncate")));
  const auto skipped = braid(
      "predict --checkpoint run --list lines.txt --format jsonl --no-truncate --on-bad-sample "
      "skip");
  EXPECT_EQ(skipped.code, 0) << skipped.err;
  EXPECT_EQ(rows(skipped.out).size(), 2u);
  const std::string explain =
      "explain --checkpoint run 'good film and more' --steps 2 --output why ";
  const auto why = braid(explain + "--format json");
  ASSERT_EQ(why.code, 0) << why.err;
  EXPECT_GT(Json::parse(why.out).at("texts").at(0).at("truncated"), 0);
  EXPECT_THAT(why.err, HasSubstr("1 of 1 texts is cut to 4 tokens."));
  const auto whole = braid(explain + "--no-truncate");
  EXPECT_EQ(whole.code, 65);
  EXPECT_THAT(whole.err, AllOf(HasSubstr("at most 4 tokens"), HasSubstr("good film and more")));
  const auto exported = braid("export --checkpoint run --output m.onnx");
  ASSERT_EQ(exported.code, 0) << exported.err;
  const std::string run = BRAID_PROGRAM "-run m.onnx --text 'good film' 'good film and more' ";
  const auto small = braid("--version >version.txt", run + "--format json;");
  const auto labelled = Json::parse(small.out);
  EXPECT_FALSE(labelled.at(0).contains("cut"));
  EXPECT_EQ(labelled.at(1).at("cut"), true);
  EXPECT_THAT(small.err, HasSubstr("1 of 2 texts is cut"));
  const auto refused = braid("--version", run + "--no-truncate; test $? = 65 &&");
  EXPECT_EQ(refused.code, 0) << "65 before";
  EXPECT_THAT(refused.err, AllOf(HasSubstr("text 2"), HasSubstr("at most 4 tokens")));
  write("long.tsv", "good film and more\tpos\nbad film\tneg\n");
  const auto judged = braid("eval --checkpoint run --data long.tsv --split all --format json");
  ASSERT_EQ(judged.code, 0) << judged.err;
  EXPECT_EQ(Json::parse(judged.out).at("cut").at("texts"), 1);
  EXPECT_THAT(judged.err, HasSubstr("1 of 2 texts is cut to 4 tokens."));
}

TEST_F(PredictTexts, EveryLineOfALanguageModelIsAnsweredOrNamed) {
  std::string content;
  for (int i = 0; i < 200; ++i)
    content += i % 2 == 0 ? "the cat sat on the mat\n" : "a dog ran in the park\n";
  write("corpus.txt", content);
  train("--data corpus.txt --max-length 16 --vocab-size 300");
  write("lines.txt", "the [MASK] sat on the [MASK]\n\nno mask here\na [MASK] ran\n");
  const auto stopped = braid("predict --checkpoint run --list lines.txt --format jsonl");
  EXPECT_EQ(stopped.code, 65);
  EXPECT_THAT(stopped.err, AllOf(HasSubstr("lines.txt:3"), HasSubstr("got none in it")));
  const auto found =
      braid("predict --checkpoint run --list lines.txt --format jsonl --on-bad-sample skip");
  ASSERT_EQ(found.code, 0) << found.err;
  const auto answers = rows(found.out);
  ASSERT_EQ(answers.size(), 4u);
  const auto place = [&](size_t i) {
    return std::pair(answers[i].at("line").get<int>(), answers[i].value("mask", 0));
  };
  EXPECT_EQ(place(0), std::pair(1, 1));
  EXPECT_EQ(place(1), std::pair(1, 2));
  EXPECT_EQ(place(2), std::pair(2, 0));
  EXPECT_EQ(place(3), std::pair(4, 1));
  EXPECT_THAT(found.err, HasSubstr("1 of 4 lines is left out."));
  const auto table =
      braid("predict --checkpoint run --list lines.txt --format csv --top 1 --on-bad-sample skip");
  EXPECT_THAT(table.out, HasSubstr("text,rank,class,probability,line,mask\n"));
  EXPECT_EQ(std::count(table.out.begin(), table.out.end(), '\n'), 4);
}

}  // namespace
}  // namespace braid::test
