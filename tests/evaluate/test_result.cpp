// The typed results, what is kept of them, and their mean over seeds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "braid/core/error.h"
#include "braid/evaluate/failure.h"
#include "braid/evaluate/result.h"
#include "braid/evaluate/run.h"
#include "braid/evaluate/seed_mean.h"
#include "braid/evaluate/titled_progress.h"
#include "braid/evaluate/work_folder.h"
#include "braid/torch.h"
#include "tests/evaluate/json_schema.h"

namespace braid::evaluate {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const fs::path kTests = fs::path(BRAID_TEST_SOURCE_DIR);

TEST(Results, KeepEverythingThatTheyRead) {
  for (const char* name : {"results_sample.json", "results_perplexity.json"}) {
    const Json json = read_json(kTests / "evaluate/fixtures" / name);
    const auto results = from_json<Results>(json, name);
    const Json again = braid::to_json(results);
    EXPECT_THAT(
        test::schema_violations(again, read_json(kTests / ".." / "docs" / "results.schema.json")),
        IsEmpty());
    // What the file has is there, whatever the struct adds.
    const Json difference = Json::diff(json, again);
    for (const auto& change : difference) EXPECT_EQ(change.at("op"), "add") << change;
  }
}

TEST(Results, AreOfTheSchemaFromTheirFirstMoment) {
  Results results;
  results.models.emplace_back().family = "cnn";
  results.budget = {.kind = "epochs", .value = 1, .text = "epochs=1"};
  results.prefer = "accuracy";
  EXPECT_THAT(test::schema_violations(braid::to_json(results),
                                      read_json(kTests / ".." / "docs" / "results.schema.json")),
              IsEmpty());
}

Score top1(double value, double below, double above) {
  return {.name = "top1", .unit = "%", .value = value, .low = value - below, .high = value + above};
}

TEST(MeanScore, OfOneSeedIsThatSeed) {
  const auto mean = mean_score({top1(80, 2, 1)});
  EXPECT_DOUBLE_EQ(mean.value, 80);
  EXPECT_DOUBLE_EQ(*mean.low, 78);
  EXPECT_DOUBLE_EQ(*mean.high, 81);
}

TEST(MeanScore, OfTwoSeedsIsWidenedByStudentsT) {
  const auto mean = mean_score({top1(80, 3, 3), top1(82, 3, 3)});
  EXPECT_DOUBLE_EQ(mean.value, 81);
  // Deviation sqrt(2), error of the mean 1; t of one degree of freedom is 12.706.
  const double half = std::hypot(3, 12.706);
  EXPECT_NEAR(*mean.low, 81 - half, 1e-9);
  EXPECT_NEAR(*mean.high, 81 + half, 1e-9);
}

TEST(MeanScore, OfThreeSeedsIsNarrower) {
  const auto mean = mean_score({top1(80, 0, 0), top1(81, 0, 0), top1(82, 0, 0)});
  EXPECT_NEAR(*mean.high - mean.value, 4.303 / std::sqrt(3), 1e-9);
}

// t of eleven degrees of freedom is 2.20099, not yet the normal's.
TEST(MeanScore, OfManySeedsHasStudentsTStill) {
  std::vector<Score> seeds;
  for (int i = 0; i < 12; ++i) seeds.push_back(top1(i % 2 == 0 ? 79 : 81, 0, 0));
  const auto mean = mean_score(seeds);  // the deviation is sqrt(12 / 11)
  EXPECT_NEAR(*mean.high - mean.value, 2.20099 / std::sqrt(11), 1e-4);
}

TEST(MeanScore, StaysWithinAHundredPercentButKnowsNoBoundsElsewhere) {
  EXPECT_DOUBLE_EQ(*mean_score({top1(99, 1, 1), top1(97, 1, 1)}).high, 100);
  auto a = top1(99, 1, 1), b = top1(97, 1, 1);
  a.unit = b.unit = "";
  EXPECT_GT(*mean_score({a, b}).high, 100);
  a.low.reset();
  EXPECT_FALSE(mean_score({a, b}).high);
}

TestResult test_result() {
  TestResult result;
  result.scores = {top1(80, 1, 2)};
  result.count = 7;
  return result;
}

class WorkFolderTest : public ::testing::Test {
 protected:
  void SetUp() override { fs::remove_all(folder_); }
  void TearDown() override { fs::remove_all(folder_); }
  const fs::path folder_ = fs::path(testing::TempDir()) / "braid_work_folder_test";
};

TEST_F(WorkFolderTest, GivesBackWhatItKept) {
  const WorkFolder work(folder_, {{"seed", 1}});
  EXPECT_FALSE(work.find<TestResult>("evaluate-a"));
  work.keep("evaluate-a", test_result());
  const auto kept = WorkFolder(folder_, {{"seed", 1}}).find<TestResult>("evaluate-a");
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->count, 7);
  EXPECT_DOUBLE_EQ(*kept->scores.at(0).high, 82);
}

TEST_F(WorkFolderTest, RefusesOtherSettingsByName) {
  const WorkFolder work(folder_, {{"seed", 1}, {"budget", "epochs=1"}});
  try {
    const WorkFolder other(folder_, {{"seed", 1}, {"budget", "epochs=2"}});
    FAIL() << "expected ConfigError";
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(), HasSubstr("budget"));
  }
}

TEST_F(WorkFolderTest, RefusesTheWorkOfAnotherVersion) {
  fs::create_directories(folder_);
  // As braid 0.1 began a folder: no format, and parts of another form.
  std::ofstream(folder_ / "settings.json") << R"({"seed": 1})";
  std::ofstream(folder_ / "evaluate-a.json") << R"({"count": 12, "top1": 50.0})";
  try {
    const WorkFolder work(folder_, {{"seed", 1}});
    FAIL() << "expected ConfigError";
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(), HasSubstr("another version"));
  }
}

TEST_F(WorkFolderTest, RefusesAPartOfAnotherForm) {
  const WorkFolder work(folder_, {{"seed", 1}});
  std::ofstream(folder_ / "evaluate-a.json") << R"({"count": 12, "top1": 50.0})";
  EXPECT_THROW(work.find<TestResult>("evaluate-a"), DataError);
}

TEST(RunName, TellsEveryRunApart) {
  EXPECT_EQ(run_name({.model = "resnet20"}), "resnet20-seed0");
  EXPECT_EQ(run_title({.model = "resnet20"}, 1), "resnet20");
  EXPECT_EQ(run_title({.model = "resnet20", .seed = 2, .fold = 1}, 3), "resnet20 (seed 2, fold 1)");
  EXPECT_EQ(run_title({.model = "resnet20", .fraction = 0.1}, 1), "resnet20 (10% of the data)");
  EXPECT_EQ(run_name({.model = "resnet20", .seed = 2, .fraction = 0.1}),
            "resnet20-seed2-10percent");
  // A teacher of another seed is another teacher.
  EXPECT_NE(run_name({.model = "vit",
                      .teacher = Teacher{.model = "resnet20", .seed = 0, .checkpoint = ""}}),
            run_name({.model = "vit",
                      .teacher = Teacher{.model = "resnet20", .seed = 1, .checkpoint = ""}}));
}

TEST(TitledProgress, NamesTheTrainingAndNothingElse) {
  struct Heard : Progress {
    void begin(const std::string& title, int64_t) override { all += title + "\n"; }
    void line(const std::string& text) override { all += text + "\n"; }
    std::string all;
  } heard;
  TitledProgress progress(heard, "vit", "vit (taught by resnet20)");
  progress.begin("vit epoch 0", 10);
  progress.begin("evaluate", 10);
  progress.line("vit epoch   0  train loss 2.1");
  progress.line("vit_tiny is another.");
  EXPECT_EQ(heard.all,
            "vit (taught by resnet20) epoch 0\nevaluate\n"
            "vit (taught by resnet20) epoch   0  train loss 2.1\nvit_tiny is another.\n");
}

TEST(FailureOf, KnowsEveryKind) {
  EXPECT_FALSE(failure_of("m", [] {}));
  EXPECT_EQ(failure_of("m", [] { throw DataError("a", "b"); })->code, ExitCode::kBadData);
  EXPECT_EQ(failure_of("m", [] { throw std::bad_alloc(); })->code, ExitCode::kTryAgain);
  const auto memory = failure_of("m", [] { C10_THROW_ERROR(OutOfMemoryError, "16 EiB"); });
  EXPECT_EQ(memory->code, ExitCode::kTryAgain);
  EXPECT_THAT(memory->message, HasSubstr("out of memory"));
  // What LibTorch's CPU allocator throws for more than there is.
  EXPECT_EQ(failure_of("m", [] { torch::empty({int64_t{1} << 50}); })->code, ExitCode::kTryAgain);
  const auto shapes = failure_of("m", [] { torch::zeros({2}).add_(torch::zeros({3})); });
  EXPECT_EQ(shapes->code, ExitCode::kInternal);
  EXPECT_EQ(shapes->message.find("Exception raised"), std::string::npos);
  EXPECT_THROW(std::rethrow_exception(shapes->error), c10::Error);
}

}  // namespace
}  // namespace braid::evaluate
