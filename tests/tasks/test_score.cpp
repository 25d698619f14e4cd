// Scores: which is better, and what files hold.
#include "braid/tasks/score.h"

#include <gtest/gtest.h>

#include "braid/core/error.h"

namespace braid::tasks {
namespace {

Score score(double value, bool higher_is_better) {
  return {.name = "s",
          .unit = "",
          .value = value,
          .low = {},
          .high = {},
          .higher_is_better = higher_is_better};
}

TEST(ScoreTest, TheDirectionDecides) {
  EXPECT_TRUE(better(score(2, true), score(1, true)));
  EXPECT_FALSE(better(score(1, true), score(1, true)));
  EXPECT_TRUE(better(score(1, false), score(2, false)));
  for (const bool higher : {true, false}) {
    EXPECT_FALSE(better(score(NAN, higher), score(1, higher)));
    EXPECT_FALSE(better(score(NAN, higher), score(NAN, higher)));
    EXPECT_TRUE(better(score(1, higher), score(NAN, higher))) << "anything beats NaN";
  }
}

TEST(ScoreTest, SurvivesAFile) {
  Score given{.name = "loss",
              .unit = "nats",
              .value = NAN,
              .low = 0.5,
              .high = {},
              .higher_is_better = false};
  const auto read = from_json<Score>(Json::parse(to_json(given).dump()), "file");
  EXPECT_TRUE(std::isnan(read.value)) << "JSON has no NaN";
  EXPECT_EQ(read.low, 0.5);
  EXPECT_FALSE(read.high);
  EXPECT_FALSE(read.higher_is_better);
  given.value = 0.1;
  EXPECT_EQ(from_json<Score>(Json::parse(to_json(given).dump()), "file").value, 0.1);
}

TEST(ScoreTest, IsFoundByName) {
  const Scores scores = {score(1, true)};
  EXPECT_EQ(find_score(scores, "s").value, 1);
  EXPECT_THROW(find_score(scores, "top1"), InternalError);
}

}  // namespace
}  // namespace braid::tasks
