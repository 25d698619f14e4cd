// Words with tags, as the program trains, judges and finds them.
#include <gmock/gmock.h>

#include <fstream>

#include "braid/core/json.h"
#include "tests/cli/program.h"

namespace braid::test {
namespace {

using ::testing::HasSubstr;

class TagsVerb : public ProgramTest {};

TEST_F(TagsVerb, TrainsEvaluatesAndPredicts) {
  std::ofstream train(path("train.conll")), test(path("test.conll"));
  for (int i = 0; i < 40; ++i)
    (i % 4 == 0 ? test : train) << (i % 2 == 0 ? "Ada" : "Alan") << " B-PER\nsees O\n"
                                << (i % 3 == 0 ? "Bonn" : "Rome") << " B-LOC\n\n";
  train.close();
  test.close();
  const auto trained = braid(
      "train --model bert_tiny --data . --epochs 30 --lr 2e-3 --vocab-size 300 --batch-size 10 "
      "--output run");
  ASSERT_EQ(trained.code, 0) << trained.err;
  const auto judged = braid("eval --checkpoint run --data . --format json");
  ASSERT_EQ(judged.code, 0) << judged.err;
  EXPECT_THAT(judged.out, HasSubstr("f1"));
  EXPECT_THAT(judged.out, HasSubstr("sentences"));
  const auto found = braid("predict --checkpoint run 'Ada sees Rome' --format jsonl");
  ASSERT_EQ(found.code, 0) << found.err;
  const auto entities = Json::parse(found.out).at("predictions");
  ASSERT_EQ(entities.size(), 2u) << found.out;
  EXPECT_EQ(entities[1].at("word"), "Rome");
  EXPECT_EQ(entities[1].at("class"), "LOC");
  EXPECT_EQ(entities[1].at("start"), 9);
  const auto compared =
      braid("compare --data . --latency-seconds 0.05 --budget time=1s --output cmp");
  EXPECT_EQ(compared.code, 64);
  EXPECT_THAT(compared.err, HasSubstr("tagged text"));
  const auto weighed =
      braid("train --model bert_tiny --data . --class-weights balanced --output w");
  EXPECT_EQ(weighed.code, 78);
  EXPECT_THAT(weighed.err,
              ::testing::AllOf(HasSubstr("--class-weights"), HasSubstr("token_classification")));
  const auto captions = braid("eval --checkpoint run --data missing.conll");
  EXPECT_EQ(captions.code, 74);
}

}  // namespace
}  // namespace braid::test
