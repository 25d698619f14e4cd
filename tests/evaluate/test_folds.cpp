// Cross-validation in a comparison.
#include "braid/evaluate/folds.h"

#include <gmock/gmock.h>

#include <numeric>

#include "braid/core/error.h"
#include "braid/evaluate/compare.h"
#include "tests/evaluate/image_folder.h"
#include "tests/evaluate/json_schema.h"
#include "tests/evaluate/sentence_workload.h"

namespace braid::evaluate {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::SizeIs;

tasks::Score percent(double value, double half) {
  return {.name = "top1", .unit = "%", .value = value, .low = value - half, .high = value + half};
}

TEST(PooledScoreTest, TestsOnTheItemsOfAllFolds) {
  const auto alike = pooled_score({percent(80, 6), percent(80, 6), percent(80, 6), percent(80, 6)});
  EXPECT_DOUBLE_EQ(alike.value, 80);
  EXPECT_DOUBLE_EQ(*alike.low, 77);
  EXPECT_DOUBLE_EQ(*alike.high, 83);
}

TEST(PooledScoreTest, IsAsWideAsTheFoldsAreApart) {
  const auto apart = pooled_score({percent(70, 4), percent(80, 4), percent(90, 4)});
  EXPECT_DOUBLE_EQ(apart.value, 80);
  EXPECT_NEAR(*apart.low, 80 - 4.303 * 10 / std::sqrt(3.0), 1e-9);
  EXPECT_EQ(*apart.high, 100) << "a share";
}

class FoldsOfImages : public ImageFolderTest {
 protected:
  void SetUp() override {
    ImageFolderTest::SetUp();
    for (uint32_t i = 0; i < kEach; ++i)
      for (const std::string name : {"left", "right"})
        write_image("photos/" + name + "/" + std::to_string(i) + ".png", 2 * i + (name == "left"));
  }
  CompareOutcome run(int64_t seeds = 1, std::vector<std::string> models = {"airbench_nano"}) {
    CompareConfig config;
    config.latency_seconds = 0.05;
    config.data = (folder_ / "photos").string();
    config.models = std::move(models);
    config.output = (folder_ / "out").string();
    config.budget = "epochs=1";
    config.folds = 3;
    config.seeds = seeds;
    config.workers = 0;
    config.robustness_images = 2;
    return compare(config, "the test", {}, progress_);
  }
  static constexpr uint32_t kEach = 10;
  Progress progress_;
};

TEST_F(FoldsOfImages, TestEveryImageOnce) {
  const std::vector<std::string> models = {"vit_lite_2_4_32", "airbench_nano"};
  const Results r = run(2, models).results;
  EXPECT_EQ(r.folds, 3);
  EXPECT_EQ(r.data.test_split, "val");
  EXPECT_EQ(r.data.test, 2 * kEach);
  EXPECT_EQ(r.data.train + r.data.val, 2 * kEach);
  ASSERT_THAT(r.models, SizeIs(2));
  for (const auto& model : r.models) {
    EXPECT_FALSE(model.error) << model.error.value_or("");
    ASSERT_THAT(model.fold_scores, SizeIs(6));
    ASSERT_THAT(model.seed_scores, SizeIs(2));
    const auto& of = model.fold_scores;
    EXPECT_NEAR(model.seed_scores[1], (of[3] + of[4] + of[5]) / 3, 1e-9);
    EXPECT_NEAR(model.score->value, (model.seed_scores[0] + model.seed_scores[1]) / 2, 1e-9);
    EXPECT_TRUE(model.best_fold);
    EXPECT_NEAR(model.sample_efficiency->back().score, of[0], 1e-9) << "of the fold of the others";
    int64_t tested = 0;
    for (const auto& row : *model.confusion)
      tested += std::accumulate(row.begin(), row.end(), int64_t{0});
    EXPECT_EQ(tested, 2 * kEach);
    EXPECT_THAT(*model.checkpoint, HasSubstr("-seed" + std::to_string(*model.best_seed) + "-fold" +
                                             std::to_string(*model.best_fold)));
  }
  // 20 images: a share of all of them is a multiple of five percent.
  for (const double share : {r.fusion->overlap->both_right, r.fusion->overlap->both_wrong})
    EXPECT_NEAR(share / 5, std::round(share / 5), 1e-9);
  EXPECT_THAT(r.recommendation.reason, HasSubstr("same items"));
  const bool first_is_best = r.models[0].score->value >= r.models[1].score->value;
  const auto &best = r.models[first_is_best ? 0 : 1], &other = r.models[first_is_best ? 1 : 0];
  EXPECT_FALSE(best.behind_best);
  ASSERT_TRUE(other.behind_best);
  EXPECT_NEAR(other.behind_best->value, best.score->value - other.score->value, 1e-4);
  EXPECT_THAT(r.references, testing::Not(testing::IsEmpty()));
  const auto trained =
      fs::last_write_time(folder_ / "out/work/train-airbench_nano-seed1-fold2.json");
  EXPECT_EQ(run(2, models).results.models[0].fold_scores, r.models[0].fold_scores);
  EXPECT_EQ(fs::last_write_time(folder_ / "out/work/train-airbench_nano-seed1-fold2.json"), trained)
      << "what is done is not done again";
  EXPECT_THAT(test::schema_violations(read_json(folder_ / "out/results.json"),
                                      read_json(fs::path(BRAID_TEST_SOURCE_DIR) / ".." / "docs" /
                                                "results.schema.json")),
              testing::IsEmpty());
}

TEST_F(FoldsOfImages, WithATestSplitAreTestedOnIt) {
  fs::rename(folder_ / "photos", folder_ / "train");
  for (const std::string name : {"left", "right"})
    for (uint32_t i = 0; i < 4; ++i)
      write_image("test/" + name + "/" + std::to_string(i) + ".png", 100 + i);
  fs::create_directories(folder_ / "photos");
  fs::rename(folder_ / "train", folder_ / "photos/train");
  fs::rename(folder_ / "test", folder_ / "photos/test");
  const Results r = run(1, {"airbench_nano"}).results;
  EXPECT_EQ(r.data.test_split, "test");
  EXPECT_EQ(r.data.test, 8);
  ASSERT_THAT(r.models[0].fold_scores, SizeIs(3));
  for (const double score : r.models[0].fold_scores)
    EXPECT_NEAR(score / 12.5, std::round(score / 12.5), 1e-9) << "of eight images";
}

TEST_F(FoldsOfImages, AreRefusedWhereTheTaskCannotBeDivided) {
  test::SentenceWorkload workload;
  CompareConfig config;
  config.latency_seconds = 0.05;
  config.data = "moods";
  config.models = {"bag"};
  config.output = (folder_ / "out").string();
  config.folds = 2;
  EXPECT_THROW(compare(config, workload, "the test", {}, progress_), UsageError);
}

}  // namespace
}  // namespace braid::evaluate
