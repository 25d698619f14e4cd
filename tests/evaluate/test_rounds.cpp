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
  EXPECT_NEAR(plan[2].seconds, 225, 1e-9) << "three quarters of all for the final";
}

TEST(Rounds, FewCandidatesAreFinalistsAtOnce) {
  const auto plan = plan_rounds(90, 3, 2);
  ASSERT_EQ(plan.size(), 1u);
  EXPECT_NEAR(plan[0].seconds, 15, 1e-9) << "two seeds each";
}

TEST(Rounds, FinalistsShareTheSecondsOfThoseThatAreMissing) {
  const auto plan = plan_rounds(600, 8, 1);
  EXPECT_NEAR(final_budget(plan, 2).value, 225, 1e-9);
  EXPECT_NEAR(final_budget(plan, 1).value, 450, 1e-9);
}

class Totals : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::remove_all(root_);
    config_.latency_seconds = 0.05;
    config_.data = "moods";
    config_.budget = "total=0.6s";
    config_.output = root_.string();
    config_.workers = 0;
    config_.threads = 1;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  CompareOutcome run() { return compare(config_, workload_, "braid compare", {}, silent_); }

  const std::filesystem::path root_ =
      std::filesystem::temp_directory_path() / ("braid_rounds_" + std::to_string(::getpid()));
  CompareConfig config_;
  Progress silent_;
  test::SentenceWorkload workload_;
};

TEST_F(Totals, AreComparedAndTold) {
  config_.models = {"bag", "conv", "bag2", "sick", "conv2", "bag3", "conv3"};
  const auto outcome = run();
  const auto& results = outcome.results;
  EXPECT_EQ(results.budget.kind, "total");
  ASSERT_EQ(results.rounds.size(), 2u);
  EXPECT_EQ(results.rounds[0].models.size(), 7u);
  EXPECT_EQ(results.models.size(), 2u);
  for (const auto& model : results.rounds[0].models)
    if (model.name == "sick") {
      EXPECT_FALSE(model.goes_on);
      EXPECT_FALSE(model.val_score);
      EXPECT_THAT(model.error.value_or(""), HasSubstr("cannot be read"));
    } else {
      EXPECT_FALSE(model.error);
    }
  EXPECT_THAT(
      results.recommendation.reason,
      HasSubstr("Of 7 candidates the 2 finalists were trained for 0.225 s each; sick failed "
                "before."));
  EXPECT_EQ(outcome.exit_code, ExitCode::kBadData);
  EXPECT_THAT(outcome.failure, HasSubstr("sick: "));
  const auto trainings = workload_.trainings;
  run();
  EXPECT_EQ(workload_.trainings, trainings) << "all of it is kept";
}

TEST_F(Totals, OfMoreTrainingsAreTrainedAnew) {
  config_.models = {"bag", "conv"};
  run();
  EXPECT_EQ(workload_.trainings, 2);
  config_.seeds = 2;
  const auto results = run().results;
  EXPECT_EQ(workload_.trainings, 2 + 4) << "the first two had twice the time";
  for (const auto& model : results.models)
    EXPECT_THAT(*model.checkpoint, HasSubstr("-0.15s")) << "0.6 s for four trainings";
}

// Chooses two models, and notes how many passes a finalist is said to have.
class NotingWorkload final : public test::SentenceWorkload {
 public:
  std::vector<ModelChoice> choose_models(
      const std::function<ModelProfile(const std::string&)>& profile,
      const std::function<double(const ModelProfile&)>& passes, size_t) const override {
    said.push_back(passes(profile("bag")));
    return {{"bag", "it was asked for"}, {"conv", "likewise"}};
  }
  mutable std::vector<double> said;
};

TEST_F(Totals, ChooseByTheTimeThatTheFinalistsHave) {
  config_.models = {kAutoModels};
  const NotingWorkload workload;
  compare(config_, workload, "the test", {}, silent_);
  ASSERT_EQ(workload.said.size(), 2u);
  EXPECT_NEAR(workload.said[1] / workload.said[0], 0.3 / 0.15, 1e-9)
      << "two finalists of two candidates, not three of six";
}

TEST_F(Totals, AreDividedAmongThoseThatDidNotFail) {
  config_.models = {"bag", "boom", "boom2", "boom3", "conv"};
  const auto outcome = run();
  const auto& results = outcome.results;
  ASSERT_EQ(results.rounds.size(), 1u);
  EXPECT_NEAR(results.rounds[0].seconds, 0.075, 1e-9) << "a quarter of 0.6 s, of two and not five";
  ASSERT_EQ(results.models.size(), 2u);
  for (const auto& model : results.models) EXPECT_THAT(*model.checkpoint, HasSubstr("-0.225s"));
  EXPECT_EQ(outcome.exit_code, ExitCode::kTryAgain);
  EXPECT_THAT(results.recommendation.reason, HasSubstr("; boom, boom2, boom3 failed before."));
}

}  // namespace
}  // namespace braid::evaluate
