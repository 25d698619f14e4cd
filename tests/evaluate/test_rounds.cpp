// A total budget, divided into rounds.
#include "braid/evaluate/rounds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "braid/core/error.h"
#include "braid/evaluate/compare.h"
#include "tests/evaluate/sentence_workload.h"

namespace braid::evaluate {
namespace {

using ::testing::HasSubstr;

TEST(Rounds, TheBetterHalfGoesOnAndAllSecondsAreSpent) {
  const auto plan = plan_rounds(600, 8, 1);
  ASSERT_EQ(plan.size(), 3u);
  EXPECT_EQ(plan[0].candidates, 8u);
  EXPECT_EQ(plan[1].candidates, 4u);
  EXPECT_EQ(plan[2].candidates, 2u);
  double seconds = 0;
  for (const auto& round : plan) seconds += static_cast<double>(round.candidates) * round.seconds;
  EXPECT_NEAR(seconds, 600, 1e-9);
  EXPECT_LT(plan[0].seconds, plan[1].seconds);
  EXPECT_LT(plan[1].seconds, plan[2].seconds);
  EXPECT_NEAR(plan[2].seconds, 150, 1e-9) << "half of all for the final";
}

TEST(Rounds, FewCandidatesAreFinalistsAtOnce) {
  const auto plan = plan_rounds(90, 3, 2);
  ASSERT_EQ(plan.size(), 1u);
  EXPECT_NEAR(plan[0].seconds, 15, 1e-9) << "two seeds each";
}

TEST(Rounds, ATotalIsComparedAndTold) {
  const auto root =
      std::filesystem::temp_directory_path() / ("braid_rounds_" + std::to_string(::getpid()));
  std::filesystem::remove_all(root);
  CompareConfig config;
  config.latency_seconds = 0.05;
  config.data = "moods";
  config.models = {"bag", "conv", "bag2", "sick", "conv2", "bag3", "conv3"};
  config.budget = "total=3s";
  config.output = root.string();
  config.workers = 0;
  config.threads = 1;
  Progress silent;
  const test::SentenceWorkload workload;
  const auto outcome = compare(config, workload, "braid compare", {}, silent);
  const auto& results = outcome.results;
  EXPECT_EQ(results.budget.kind, "total");
  ASSERT_EQ(results.rounds.size(), 2u);
  EXPECT_EQ(results.rounds[0].models.size(), 7u);
  EXPECT_EQ(results.models.size(), 2u);
  for (const auto& model : results.rounds[0].models)
    if (model.name == "sick") {
      EXPECT_FALSE(model.goes_on);
      EXPECT_FALSE(model.val_score);
    }
  EXPECT_THAT(results.recommendation.reason, HasSubstr("Of 7 candidates the 2 finalists"));
  const auto trainings = workload.trainings;
  compare(config, workload, "braid compare", {}, silent);
  EXPECT_EQ(workload.trainings, trainings) << "all of it is kept";
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace braid::evaluate
