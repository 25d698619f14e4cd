// compare() on a task that it has never heard of, and what becomes of models that fail.
#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <new>

#include "braid/core/error.h"
#include "braid/evaluate/choose_models.h"
#include "braid/evaluate/compare.h"
#include "braid/evaluate/peak_memory.h"
#include "braid/train/state.h"
#include "tests/evaluate/json_schema.h"
#include "tests/evaluate/sentence_workload.h"

namespace braid::evaluate {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

class AnyTask : public ::testing::Test {
 protected:
  void SetUp() override { fs::remove_all(folder_); }
  void TearDown() override { fs::remove_all(folder_); }
  CompareOutcome run(std::vector<std::string> models, std::stop_token stop = {}, int64_t seeds = 1,
                     std::vector<std::string> skip = {}) {
    CompareConfig config;
    config.latency_seconds = 0.05;
    config.data = "moods";
    config.models = std::move(models);
    config.output = folder_.string();
    config.budget = "epochs=8";
    config.seeds = seeds;
    config.workers = 0;
    config.skip = std::move(skip);
    return compare(config, workload_, "the test", std::move(stop), progress_);
  }
  // Of a convolution and a bag, without what is measured beside the score.
  CompareConfig quick(const std::string& budget) const {
    CompareConfig config;
    config.latency_seconds = 0.05;
    config.data = "moods";
    config.models = {"bag", "conv"};
    config.output = folder_.string();
    config.budget = budget;
    config.workers = 0;
    config.skip = {"typos", "efficiency"};
    return config;
  }
  Json written() const { return read_json(folder_ / "results.json"); }

  const fs::path folder_ = fs::path(testing::TempDir()) / "braid_any_task_test";
  test::SentenceWorkload workload_;
  Progress progress_;
};

const ModelResult& find(const Results& results, const std::string& name) {
  for (const auto& model : results.models)
    if (model.name == name) return model;
  throw std::out_of_range(name);
}

TEST_F(AnyTask, IsComparedRecommendedAndReported) {
  const auto outcome = run({"bag", "conv"}, {}, 2);
  EXPECT_EQ(outcome.exit_code, ExitCode::kOk);
  const Results& r = outcome.results;
  EXPECT_EQ(r.task, "mood");
  EXPECT_EQ(r.score, "error_rate");
  EXPECT_FALSE(r.scores.at(0).higher_is_better);
  EXPECT_EQ(r.data.items, "sentences");
  ASSERT_EQ(r.models.size(), 2u);
  for (const auto& model : r.models) {
    EXPECT_EQ(model.seed_scores.size(), 2u);
    EXPECT_LT(model.score->value, 40) << model.name << " has learnt nothing";
    EXPECT_EQ(model.sample_efficiency->size(), 3u);
    EXPECT_EQ(model.robustness->corruptions.at(0).corruption, "typos");
    EXPECT_EQ(model.curve.size(), 8u);
    EXPECT_EQ(model.resolved->input_size, std::vector<int64_t>{6});
    EXPECT_EQ(model.recipe.at("model"), model.name);
    EXPECT_GT(*model.latency_ms_p50, 0);
  }
  // The seed with the lower error on val is the best one.
  const auto trained = [&](const std::string& name) {
    return read_json(folder_ / "work" / ("train-" + name + ".json"))["val_scores"][0]["value"]
        .get<double>();
  };
  const auto& bag = find(r, "bag");
  EXPECT_EQ(*bag.best_seed, trained("bag-seed1") < trained("bag-seed0") ? 1 : 0);
  EXPECT_TRUE(r.recommendation.model);
  EXPECT_THAT(r.recommendation.reason, Not(HasSubstr("same items")))
      << "this task tells none apart";
  EXPECT_TRUE(fs::exists(folder_ / "winner" / "model.safetensors"));
  ASSERT_TRUE(r.fusion && r.fusion->late_fusion);
  EXPECT_EQ(r.fusion->late_fusion->params, *bag.params + *find(r, "conv").params);
  EXPECT_FALSE(r.fusion->distillation);  // this task knows no teachers
  EXPECT_THAT(test::schema_violations(written(), read_json(fs::path(BRAID_TEST_SOURCE_DIR) / ".." /
                                                           "docs" / "results.schema.json")),
              IsEmpty());
  std::ifstream page(outcome.report);
  EXPECT_THAT(std::string(std::istreambuf_iterator<char>(page), {}), HasSubstr("error_rate"));

  // With nothing left to do, the same again.
  const int64_t before = workload_.trainings;
  EXPECT_EQ(before, 2 * (2 + 2));
  EXPECT_EQ(braid::to_json(run({"bag", "conv"}, {}, 2).results)["models"], written()["models"]);
  EXPECT_EQ(workload_.trainings, before);
}

// Figures that are kept are of the settings that they were measured with.
TEST_F(AnyTask, OtherWaysToMeasureAreAnotherComparison) {
  const auto config = quick("epochs=1");
  compare(config, workload_, "the test", {}, progress_);
  const auto refusal = [&](const CompareConfig& other) {
    try {
      compare(other, workload_, "the test", {}, progress_);
    } catch (const ConfigError& e) {
      return std::string(e.what());
    }
    return std::string("taken over");
  };
  auto longer = config, other_threads = config;
  longer.latency_seconds = 0.06;
  EXPECT_THAT(refusal(longer), HasSubstr("latency_seconds was 0.05 and is 0.06"));
  other_threads.threads = at::get_num_threads();
  EXPECT_THAT(refusal(other_threads), HasSubstr("threads was null"));
  EXPECT_EQ(refusal(config), "taken over");
}

TEST_F(AnyTask, AFinishedComparisonMayBeMoved) {
  const fs::path moved = folder_.string() + "_moved";
  fs::remove_all(moved);
  auto config = quick("epochs=1");
  compare(config, workload_, "the test", {}, progress_);
  const int64_t before = workload_.trainings;
  fs::rename(folder_, moved);
  config.output = moved.string();
  const auto outcome = compare(config, workload_, "the test", {}, progress_);
  EXPECT_EQ(outcome.exit_code, ExitCode::kOk) << outcome.failure;
  EXPECT_EQ(workload_.trainings, before);
  for (const auto& model : outcome.results.models)
    EXPECT_TRUE(fs::exists(*model.checkpoint)) << *model.checkpoint;
  EXPECT_TRUE(fs::exists(moved / "winner" / "model.safetensors"));
  fs::remove_all(moved);
}

// `braid predict --checkpoint FOLDER` would take it for what is recommended now.
TEST_F(AnyTask, NoWinnerOfOtherLimitsStays) {
  auto config = quick("epochs=1");
  EXPECT_TRUE(compare(config, workload_, "the test", {}, progress_).results.recommendation.model);
  EXPECT_TRUE(fs::exists(folder_ / "winner"));
  config.max_params = 1;
  EXPECT_FALSE(compare(config, workload_, "the test", {}, progress_).results.recommendation.model);
  EXPECT_FALSE(fs::exists(folder_ / "winner"));
}

TEST_F(AnyTask, ModelsTakeTurnsUnderABudgetOfTime) {
  CompareConfig config;
  config.latency_seconds = 0.05;
  config.data = "moods";
  config.models = {"bag", "conv"};
  config.output = folder_.string();
  config.budget = "time=2s";
  config.workers = 0;
  config.skip = {"typos", "efficiency"};
  const auto outcome = compare(config, workload_, "the test", {}, progress_);
  for (const auto& model : outcome.results.models) {
    EXPECT_GE(model.slice_items_per_s.size(), 3u) << model.name << ": turns of half a second";
    EXPECT_GE(*model.train_seconds, 2);
    EXPECT_EQ(model.recipe_name, "plain");
    EXPECT_GT(*model.items_seen, 0);
    EXPECT_GT(*model.peak_share, 0);
    EXPECT_GT(*model.peak_memory_bytes, 0);
  }
}

TEST_F(AnyTask, MemoryIsThatOfLaterTurnsToo) {
  constexpr size_t kBytes = size_t{100} << 20;
  auto config = quick("time=1.1s");
  config.models = {"bag"};
  bool held = false;
  workload_.before_step = [&] {  // in the second turn
    if (held || !fs::exists(folder_ / "work" / "turns-bag-seed0.json")) return;
    const std::vector<char> bytes(kBytes, 1);
    held = bytes.back() == 1;
  };
  const int64_t before = PeakMemory::now();
  const auto outcome = compare(config, workload_, "the test", {}, progress_);
  EXPECT_TRUE(held);
  EXPECT_GT(*find(outcome.results, "bag").peak_memory_bytes, before + (int64_t{75} << 20));
}

// Notes at each start how many trainings had ended.
class WatchedWorkload final : public test::SentenceWorkload {
 public:
  explicit WatchedWorkload(fs::path work) : work_(std::move(work)) {}
  std::unique_ptr<tasks::Task> make_task(const Run& run, const fs::path& checkpoint,
                                         Progress& progress) const override {
    size_t count = 0;
    for (const auto& entry : fs::directory_iterator(work_))
      count += entry.path().filename().string().starts_with("train-") ? 1 : 0;
    ended.push_back(count);
    return SentenceWorkload::make_task(run, checkpoint, progress);
  }
  mutable std::vector<size_t> ended;

 private:
  fs::path work_;
};

TEST_F(AnyTask, OnlyModelsOfOneSeedTakeTurns) {
  const WatchedWorkload workload(folder_ / "work");
  auto config = quick("time=1s");
  config.seeds = 2;
  compare(config, workload, "the test", {}, progress_);
  EXPECT_THAT(workload.ended, ElementsAre(0, 0, 2, 2));
}

class Lines final : public Progress {
 public:
  void line(const std::string& text) override { all += text + "\n"; }
  std::string all;
};

TEST_F(AnyTask, SaysThatABudgetIsLessThanAnEpoch) {
  Lines lines;
  compare(quick("time=0.2s"), workload_, "the test", {}, lines);
  EXPECT_THAT(lines.all, HasSubstr("bag finishes no epoch in this budget: it sees about 38% of the "
                                   "160 training sentences."));
  EXPECT_THAT(lines.all, Not(HasSubstr("single step")));
}

TEST_F(AnyTask, RefusesABudgetBelowOneStep) {
  auto config = quick("flops=1k");
  config.models = {"bag"};
  try {
    compare(config, workload_, "the test", {}, progress_);
    FAIL() << "expected UsageError";
  } catch (const UsageError& e) {
    EXPECT_THAT(e.what(), HasSubstr("operations of one step of bag, got flops=1k"));
  }
  EXPECT_EQ(workload_.trainings, 0);
}

// A choice of one convolution and one bag, within the limit that the test sets.
class ChoosingWorkload final : public test::SentenceWorkload {
 public:
  std::vector<ModelChoice> choose_models(
      const std::function<ModelProfile(const std::string&)>& profile,
      const std::function<double(const ModelProfile&)>& passes, size_t per_family) const override {
    std::vector<ModelChoice> chosen;
    for (const char* name : {"conv", "bag"})
      choose_of_family({name},
                       {.items = "sentences",
                        .train_items = 160,
                        .max_params = max_params,
                        .per_family = per_family},
                       profile, passes, chosen);
    return chosen;
  }
  std::optional<int64_t> max_params;
};

TEST_F(AnyTask, AnotherLimitChoosesAnew) {
  ChoosingWorkload workload;
  Lines lines;
  auto config = quick("epochs=1");
  config.models = {kAutoModels};
  const auto names = [&](std::optional<int64_t> most) {
    config.max_params = workload.max_params = most;
    std::vector<std::string> all;
    for (const auto& model : compare(config, workload, "the test", {}, lines).results.models)
      all.push_back(model.name);
    return all;
  };
  EXPECT_THAT(names({}), UnorderedElementsAre("conv", "bag"));
  EXPECT_THAT(names(200), ElementsAre("bag"));
  EXPECT_THAT(lines.all,
              HasSubstr("Left out: cnn, whose smallest candidate, conv (378 parameters), "
                        "is beyond the limits (at most 200 parameters)."));
  const int64_t before = workload.trainings;
  try {
    names(1);
    FAIL() << "expected UsageError";
  } catch (const UsageError& e) {
    EXPECT_THAT(e.what(), HasSubstr("--max-params"));
    EXPECT_THAT(e.what(), HasSubstr("bag (178 parameters)"));
  }
  EXPECT_EQ(workload.trainings, before) << "it is said before any is trained";
}

TEST_F(AnyTask, ASettingThatWasTakenBackIsAnotherOne) {
  auto config = quick("epochs=1");
  config.models = {"bag"};
  config.class_weights = "balanced";
  compare(config, workload_, "the test", {}, progress_);
  config.class_weights = "none";
  try {
    compare(config, workload_, "the test", {}, progress_);
    FAIL() << "expected ConfigError";
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(), HasSubstr(R"(class_weights was "balanced" and is null)"));
  }
}

TEST_F(AnyTask, MayNameWhatIsSkipped) {
  EXPECT_FALSE(run({"bag"}, {}, 1, {"typos"}).results.models.at(0).robustness);
  try {
    run({"bag"}, {}, 1, {"robustness"});  // a probe of images
    FAIL() << "expected UsageError";
  } catch (const UsageError& e) {
    EXPECT_THAT(e.what(), HasSubstr("expected a part of typos, efficiency, got 'robustness'"));
  }
}

TEST_F(AnyTask, AModelThatFailsDoesNotEndTheOthers) {
  const auto outcome = run({"sick", "boom", "bag"});
  // Memory runs out while the models are looked at, before the first is trained.
  EXPECT_EQ(outcome.exit_code, ExitCode::kTryAgain);
  EXPECT_THAT(outcome.failure, HasSubstr("boom"));
  const Results& r = outcome.results;
  EXPECT_EQ(r.recommendation.model, "bag");
  EXPECT_EQ(r.models.at(0).name, "bag");
  EXPECT_THAT(*find(r, "boom").error, HasSubstr("out of memory"));
  EXPECT_FALSE(find(r, "boom").params);
  EXPECT_THAT(*find(r, "sick").error, HasSubstr("cannot be read"));
  EXPECT_TRUE(find(r, "sick").params);
  EXPECT_FALSE(find(r, "sick").score);
  EXPECT_FALSE(r.fusion);
  EXPECT_THAT(test::schema_violations(written(), read_json(fs::path(BRAID_TEST_SOURCE_DIR) / ".." /
                                                           "docs" / "results.schema.json")),
              IsEmpty());
}

class WithClassInLatin1 final : public test::SentenceWorkload {
 public:
  WithClassInLatin1() : named_(SentenceWorkload::data()) { named_.classes = {"caf\xe9", "tea"}; }
  const DataSummary& data() const override { return named_; }

 private:
  DataSummary named_;
};

TEST_F(AnyTask, AClassThatIsNoUtf8IsTheDatasFault) {
  const WithClassInLatin1 workload;
  EXPECT_THROW(compare(quick("epochs=1"), workload, "the test", {}, progress_), DataError);
  auto config = quick("epochs=1");
  config.data = "caf\xe9";
  EXPECT_THROW(compare(config, workload_, "the test", {}, progress_), UsageError);
}

class FailingProbe final : public Probe {
 public:
  std::string name() const override { return "typos"; }
  void measure(const TrainedRun&, ModelResult&) override { throw DataError("typos", "no letters"); }
};

class WithFailingProbe final : public test::SentenceWorkload {
 public:
  std::vector<std::unique_ptr<Probe>> probes(Progress&) const override {
    std::vector<std::unique_ptr<Probe>> probes;
    probes.push_back(std::make_unique<FailingProbe>());
    return probes;
  }
};

TEST_F(AnyTask, AProbeThatFailsTakesNoScoresAlong) {
  WithFailingProbe workload;
  auto config = quick("epochs=1");
  config.skip = {"efficiency"};
  const auto outcome = compare(config, workload, "the test", {}, progress_);
  EXPECT_EQ(outcome.exit_code, DataError("", "").code());
  EXPECT_THAT(outcome.failure, AllOf(HasSubstr("typos of bag"), HasSubstr("no letters")));
  EXPECT_TRUE(outcome.results.recommendation.model);
  for (const auto& model : outcome.results.models) {
    EXPECT_FALSE(model.error) << model.name;
    EXPECT_TRUE(model.score) << model.name;
    EXPECT_FALSE(model.robustness) << model.name;
  }
}

// On parts of the data nothing can be trained.
class WithFailingParts final : public test::SentenceWorkload {
 public:
  std::unique_ptr<tasks::Task> make_task(const Run& run, const fs::path& checkpoint,
                                         Progress& progress) const override {
    if (run.fraction == 1) return SentenceWorkload::make_task(run, checkpoint, progress);
    ++of_parts;
    throw DataError("parts", "cannot be trained");
  }
  mutable int64_t of_parts = 0;
};

TEST_F(AnyTask, ATrainingOnAPartThatFailedIsNotRepeated) {
  WithFailingParts workload;
  auto config = quick("time=0.2s");
  config.skip = {"typos"};
  const auto outcome = compare(config, workload, "the test", {}, progress_);
  EXPECT_EQ(workload.of_parts, 2) << "one of each model";
  EXPECT_THAT(outcome.failure, AllOf(HasSubstr("efficiency of bag"), HasSubstr("cannot be")));
  for (const auto& model : outcome.results.models) {
    EXPECT_TRUE(model.score) << model.name;
    EXPECT_FALSE(model.sample_efficiency) << model.name;
  }
}

TEST_F(AnyTask, OneErrorOfAllIsThrownOnceItIsWritten) {
  EXPECT_THROW(run({"boom", "boom2"}), std::bad_alloc);
  EXPECT_EQ(written()["models"].size(), 2u);
  EXPECT_TRUE(written()["recommendation"]["model"].is_null());
  EXPECT_TRUE(fs::exists(folder_ / "report.html"));
}

TEST_F(AnyTask, SeveralErrorsOfAllAreThoseOfTheFirst) {
  const auto outcome = run({"sick", "boom"});
  EXPECT_EQ(outcome.exit_code, ExitCode::kTryAgain);
  EXPECT_FALSE(outcome.results.recommendation.model);
}

// Asks for a stop in the first turn of the last model, when the others wait for theirs.
class StopAtTheLastModel final : public Progress {
 public:
  void begin(const std::string& title, int64_t) override {
    if (title.rfind("conv epoch", 0) == 0) source.request_stop();
  }
  std::stop_source source;
};

TEST_F(AnyTask, AnInterruptionBetweenTurnsSavesEveryRun) {
  CompareConfig config;
  config.latency_seconds = 0.05;
  config.data = "moods";
  config.models = {"bag", "conv"};
  config.output = folder_.string();
  config.budget = "time=5s";
  config.workers = 0;
  config.skip = {"typos", "efficiency"};
  StopAtTheLastModel progress;
  EXPECT_THROW(compare(config, workload_, "the test", progress.source.get_token(), progress),
               TryAgainError);
  const auto seconds = [&](const char* run) {
    std::map<std::string, torch::Tensor> tensors;
    return train::load_state(folder_ / "models" / run / "last", tensors).train_seconds;
  };
  EXPECT_GE(seconds("bag-seed0"), 0.5) << "its whole turn is kept";
  const Json turns = read_json(folder_ / "work" / "turns-bag-seed0.json");
  EXPECT_EQ(turns.at("items_per_s").size(), 1u) << "and its speed";
  EXPECT_GT(seconds("conv-seed0"), 0);
}

TEST_F(AnyTask, AnInterruptionIsNoFailure) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(run({"bag", "conv"}, stop.get_token()), TryAgainError);
  EXPECT_FALSE(fs::exists(folder_ / "results.json"));
  EXPECT_EQ(run({"bag", "conv"}).exit_code, ExitCode::kOk);
}

}  // namespace
}  // namespace braid::evaluate
