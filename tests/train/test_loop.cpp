// The loop on a task that has nothing to do with images.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "braid/core/error.h"
#include "braid/runtime/tensor_file.h"
#include "braid/train/accumulation.h"
#include "braid/train/divergence.h"
#include "braid/train/make_optimizer.h"
#include "braid/train/trainer.h"
#include "tests/train/loop_test.h"

namespace braid::train {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

// Batches of 4, and what is accumulated of them, against one batch of all: 20 examples are five
// batches, a window of 8 batches has five, one of 2 has two, two and one; 18 examples make the last
// batch smaller.
TEST_F(Loop, AccumulationEqualsTheLargeBatch) {
  for (const int64_t examples : {20, 18}) {
    Numbers large(examples), small(examples), untrained(examples);
    auto c = config("large" + std::to_string(examples));
    c.batch_size = examples;
    train(large, c, {}, silent_);
    c = config("small" + std::to_string(examples));
    c.grad_accum_steps = 8;
    const auto report = train(small, c, {}, silent_);
    EXPECT_EQ(report.steps, 1);
    const auto expected = result(large), got = result(small), before = result(untrained);
    EXPECT_GT(std::abs(expected.first - before.first), 0.01) << "it learned nothing";
    EXPECT_NEAR(got.first, expected.first, 1e-6) << examples;
    EXPECT_NEAR(got.second, expected.second, 1e-6) << examples;
  }
}

TEST_F(Loop, TheLastShorterWindowHasItsWholeGradient) {
  constexpr int64_t kExamples = 20;
  Numbers task(kExamples), reference(kExamples);
  auto c = config("windows");
  c.grad_accum_steps = 2;
  EXPECT_EQ(train(task, c, {}, silent_).steps, 3);
  // By hand: means over 8, 8 and the last 4 examples.
  auto& fc = reference.line.fc;
  for (const auto& [begin, count] : {std::pair{0, 8}, std::pair{8, 8}, std::pair{16, 4}}) {
    const auto x = torch::arange(begin, begin + count, torch::kFloat).unsqueeze(1) / 10;
    (fc->forward(x) - 2 * x).square().mean().backward();
    const torch::NoGradGuard no_grad;
    for (auto& p : fc->parameters()) {
      p.sub_(p.grad(), c.optimizer.lr);
      p.mutable_grad().reset();
    }
  }
  EXPECT_NEAR(result(task).first, result(reference).first, 1e-6);
  EXPECT_NEAR(result(task).second, result(reference).second, 1e-6);
}

TEST(AccumulationTest, EqualBatchesAreScaledAsTheyAlwaysWere) {
  for (const int64_t count : {1, 3}) {
    const auto p = torch::randn({5}).requires_grad_(), q = p.detach().clone().requires_grad_();
    const ParamGroup group{.names = {"p"}, .params = {p}, .weight_decay = 0, .lr_scale = 1};
    const auto optimizer = make_optimizer({group}, {});
    Accumulation window;
    window.begin(count);
    for (int64_t i = 0; i < count; ++i) {
      const auto x = torch::randn({5});
      window.add({(p * x).square().mean(), 7});
      const auto loss = (q * x).square().mean();
      (count > 1 ? loss / static_cast<double>(count) : loss).backward();
    }
    window.finish(*optimizer);
    EXPECT_TRUE(p.grad().equal(q.grad())) << count;
  }
}

TEST(AccumulationTest, EveryItemCountsTheSame) {
  const auto p = torch::ones({1}).requires_grad_();
  const ParamGroup group{.names = {"p"}, .params = {p}, .weight_decay = 0, .lr_scale = 1};
  const auto optimizer = make_optimizer({group}, {});
  Accumulation window;
  window.begin(3);
  window.add({(p * 3).mean(), 10});
  window.skip();  // nothing but padding
  window.add({(p * 5).mean(), 30});
  window.finish(*optimizer);
  EXPECT_NEAR(p.grad().item<double>(), (3 * 10 + 5 * 30) / 40.0, 1e-6);
}

// Five steps of warm-up: timm's first step has warmup_lr itself, whatever ends the run.
TEST_F(Loop, WarmUpBeginsAtItsBeginning) {
  Numbers by_epochs(20), by_steps(20), reference(20);
  auto c = config("epochs");
  c.schedule.warmup_epochs = 1;
  c.schedule.warmup_lr = 0.01;
  c.optimizer.lr = 0.11;
  train(by_epochs, c, {}, silent_);
  c.output = (root_ / "steps").string();
  c.max_steps = 5;
  train(by_steps, c, {}, silent_);
  auto& fc = reference.line.fc;
  for (int64_t step = 0; step < 5; ++step) {
    const auto x = torch::arange(4 * step, 4 * step + 4, torch::kFloat).unsqueeze(1) / 10;
    (fc->forward(x) - 2 * x).square().mean().backward();
    const torch::NoGradGuard no_grad;
    for (auto& p : fc->parameters()) {
      p.sub_(p.grad(), 0.01 + 0.02 * static_cast<double>(step));
      p.mutable_grad().reset();
    }
  }
  EXPECT_EQ(result(by_epochs), result(by_steps));
  EXPECT_NEAR(result(by_epochs).first, result(reference).first, 1e-6);
  EXPECT_NEAR(result(by_epochs).second, result(reference).second, 1e-6);
}

TEST_F(Loop, TheScoresDirectionChoosesTheBestEpoch) {
  Numbers task(8, {5, 3, 4});
  auto c = config("best");
  c.epochs = 3;
  const auto report = train(task, c, {}, silent_);
  EXPECT_EQ(report.task, "numbers");
  EXPECT_EQ(report.best_epoch, 1) << "the lowest error";
  EXPECT_EQ(report.best_scores.at(0).value, 3);
  ASSERT_EQ(report.history.size(), 3u);
  std::ifstream csv(root_ / "best/summary.csv");
  std::string header;
  std::getline(csv, header);
  EXPECT_EQ(header, "epoch,step,train_loss,val_error,val_error_ema,lr,seconds,numbers_per_s");
  const Json json = read_json(root_ / "best/results.json");
  EXPECT_EQ(json.at("best_scores")[0].at("name"), "error");
  EXPECT_EQ(json.at("items"), "numbers");
}

TEST_F(Loop, AnEarlyStopWaitsForALowerScore) {
  Numbers task(8, {5, 4, 6, 6, 6});
  auto c = config("early");
  c.epochs = 5;
  c.early_stop_epochs = 2;
  const auto report = train(task, c, {}, silent_);
  EXPECT_EQ(report.stop_reason, "early_stop");
  EXPECT_EQ(report.history.size(), 4u);
  // A run that has ended stays as it is, unless it shall wait longer.
  Numbers again(8, {6}), longer(8, {6});
  c.resume = true;
  const auto resumed = train(again, c, {}, silent_);
  EXPECT_EQ(resumed.stop_reason, "early_stop");
  EXPECT_EQ(resumed.history.size(), 4u);
  EXPECT_EQ(again.steps, 0);
  c.early_stop_epochs = 3;
  EXPECT_EQ(train(longer, c, {}, silent_).history.size(), 5u);
}

// Evaluated in turn: the weights, their average. That one is what is kept, and timm's metric.
TEST_F(Loop, APlateauIsOneOfTheAverage) {
  const auto rates = [&](const std::string& run, std::vector<double> scores) {
    Numbers task(8, std::move(scores));
    auto c = config(run);
    c.epochs = 3;
    c.model_ema = true;
    c.schedule.sched = "plateau";
    c.schedule.patience_epochs = 0;
    c.schedule.decay_rate = 0.1;
    std::vector<double> rates;
    for (const auto& epoch : train(task, c, {}, silent_).history) rates.push_back(epoch.lr);
    return rates;
  };
  EXPECT_EQ(rates("better", {5, 9, 5, 8, 5, 7}), (std::vector<double>{0.05, 0.05, 0.05}));
  const auto stuck = rates("stuck", {9, 5, 8, 5, 7, 5});
  EXPECT_DOUBLE_EQ(stuck.at(1), 0.05);
  EXPECT_DOUBLE_EQ(stuck.at(2), 0.005);
}

TEST_F(Loop, StepsThatAreNotFiniteAreSkipped) {
  Numbers task(16);
  task.spoil = [](int64_t step) { return step == 2; };
  const auto report = train(task, config("skipped"), {}, silent_);
  EXPECT_EQ(report.steps, 4);
  EXPECT_TRUE(std::isfinite(result(task).first));
  Numbers lost(40);
  lost.spoil = [](int64_t step) { return step > 2; };
  EXPECT_THROW(train(lost, config("lost"), {}, silent_), DivergenceError);
  EXPECT_EQ(lost.steps, 7) << "two that count and five in a row that do not";
  EXPECT_TRUE(fs::exists(root_ / "lost/last/model.safetensors"));
}

// Eight examples in one batch, one epoch: timm's one step has the peak's learning rate.
TEST_F(Loop, ASetOfOneBatchLearnsInOneEpoch) {
  for (const char* sched : {"cosine", "linear", "constant", "step", "inverse_sqrt"}) {
    Numbers task(8), reference(8);
    auto c = config(std::string("one-") + sched);
    c.batch_size = 8;
    c.schedule.sched = sched;
    const auto report = train(task, c, {}, silent_);
    EXPECT_EQ(report.steps, 1);
    auto& fc = reference.line.fc;
    const auto x = torch::arange(8, torch::kFloat).unsqueeze(1) / 10;
    (fc->forward(x) - 2 * x).square().mean().backward();
    const torch::NoGradGuard no_grad;
    fc->weight.sub_(fc->weight.grad(), 0.05);
    EXPECT_NEAR(result(task).first, result(reference).first, 1e-6) << sched;
  }
}

// Samples that are left out shorten batches and windows; every one that stays counts the same.
TEST_F(Loop, SkippedSamplesDoNotScaleTheGradient) {
  for (const std::set<int64_t>& bad :
       {std::set<int64_t>{1, 2, 3}, {0, 1, 2, 3}, {4, 9, 10, 11}, {16, 17, 18, 19}, {19}}) {
    Numbers task(20), reference(20);
    task.bad = bad;
    auto c = config("bad" + std::to_string(*bad.begin()) + "-" + std::to_string(bad.size()));
    c.grad_accum_steps = 8;
    c.on_bad_sample = "skip";
    const auto report = train(task, c, {}, silent_);
    EXPECT_EQ(report.steps, 1);
    EXPECT_EQ(report.bad_samples, static_cast<int64_t>(bad.size()));
    std::vector<float> kept;
    for (int64_t i = 0; i < 20; ++i)
      if (!bad.contains(i)) kept.push_back(static_cast<float>(i) / 10);
    auto& fc = reference.line.fc;
    const auto x = torch::tensor(kept).unsqueeze(1);
    (fc->forward(x) - 2 * x).square().mean().backward();
    const torch::NoGradGuard no_grad;
    fc->weight.sub_(fc->weight.grad(), c.optimizer.lr);
    EXPECT_NEAR(result(task).first, result(reference).first, 1e-6);
  }
}

// Names of files may be in any encoding; those of a run's own, which settings hold, may not.
TEST_F(Loop, NamesThatAreNoUtf8) {
  Numbers task(8);
  task.left_out.emplace_back().folders = {"caf\xe9"};
  auto c = config("names");
  train(task, c, {}, silent_);
  EXPECT_EQ(read_json(root_ / "names/results.json").at("data").at("left_out")[0].at("folders"),
            Json::array({"caf\uFFFD"}));
  c.output += '\xe9';
  EXPECT_THROW(train(task, c, {}, silent_), ConfigError);
  EXPECT_FALSE(fs::exists(c.output));
}

TEST_F(Loop, ASampleThatCannotBeReadCountsOnceWhateverTheEpochs) {
  Numbers task(20), rest(20);
  task.bad = rest.bad = {1, 2, 13};
  auto c = config("once");
  c.on_bad_sample = "skip";
  c.epochs = 2;
  c.workers = 2;
  EXPECT_EQ(train(task, c, {}, silent_).bad_samples, 3);
  c.epochs = 4;
  c.resume = true;
  EXPECT_EQ(train(rest, c, {}, silent_).bad_samples, 3);
}

// Epochs 2, 3 and 4 of five, in the order of fairseq's average_checkpoints.py.
TEST_F(Loop, TheNewestCheckpointsAreAveraged) {
  Numbers task(20, {5, 4, 3, 2, 2.5, 1.5});  // the last one is the average's
  auto c = config("average");
  c.epochs = 5;
  c.checkpoint_hist = 1;
  c.average_checkpoints = 3;
  const auto report = train(task, c, {}, silent_);
  const auto weights = [&](const std::string& folder) {
    return runtime::load_tensors(root_ / "average" / folder / "model.safetensors");
  };
  EXPECT_FALSE(fs::exists(root_ / "average/checkpoint-1"));
  const auto a = weights("checkpoint-4"), b = weights("checkpoint-3"), d = weights("checkpoint-2"),
             average = weights("model_best");
  for (const auto& [name, tensor] : average)
    EXPECT_TRUE(tensor.equal((a.at(name) + b.at(name) + d.at(name)) / 3)) << name;
  EXPECT_FALSE(average.at("fc.weight").equal(a.at("fc.weight")));
  EXPECT_TRUE(weights("last").at("fc.weight").equal(a.at("fc.weight"))) << "a resume goes on there";
  EXPECT_EQ(report.best_scores.at(0).value, 1.5);
  EXPECT_EQ(report.averaged_scores.at(0).value, 1.5);
  EXPECT_EQ(read_json(root_ / "average/results.json").at("averaged_scores")[0].at("value"), 1.5);
}

TEST_F(Loop, AWorseAverageIsNotKept) {
  Numbers task(20, {5, 4, 9});
  auto c = config("worse");
  c.epochs = 2;
  c.average_checkpoints = 10;
  const auto report = train(task, c, {}, silent_);
  EXPECT_EQ(report.best_scores.at(0).value, 4);
  EXPECT_EQ(report.averaged_scores.at(0).value, 9);
  const auto best = runtime::load_tensors(root_ / "worse/model_best/model.safetensors");
  const auto last = runtime::load_tensors(root_ / "worse/checkpoint-1/model.safetensors");
  EXPECT_TRUE(best.at("fc.weight").equal(last.at("fc.weight")));
  Numbers one(20, {5});
  auto single = config("single");
  single.epochs = 1;
  single.average_checkpoints = 3;
  EXPECT_TRUE(train(one, single, {}, silent_).averaged_scores.empty()) << "of one there is no mean";
}

// Where not every pass is evaluated their numbers have gaps.
TEST_F(Loop, OldCheckpointsAreRemovedWhateverTheirNumbers) {
  Numbers task(4);
  auto c = config("gaps");
  c.max_steps = 200;
  c.checkpoint_hist = 2;
  train(task, c, {}, silent_);
  int64_t kept = 0;
  for (const auto& entry : fs::directory_iterator(root_ / "gaps"))
    kept += entry.path().filename().string().starts_with("checkpoint-");
  EXPECT_EQ(kept, 2);
}

TEST_F(Loop, AnEpochWhoseValidationIsNotFiniteIsNotKept) {
  Numbers task(8, {5, NAN, INFINITY, 4, NAN});
  auto c = config("nan");
  c.epochs = 5;
  const auto report = train(task, c, {}, silent_);
  EXPECT_EQ(report.best_epoch, 3);
  EXPECT_EQ(report.best_scores.at(0).value, 4);
  EXPECT_FALSE(fs::exists(root_ / "nan/checkpoint-4"));
  EXPECT_TRUE(fs::exists(root_ / "nan/checkpoint-3"));
  Numbers never(8, {NAN});
  EXPECT_THROW(train(never, config("never"), {}, silent_), DivergenceError);
  EXPECT_FALSE(fs::exists(root_ / "never/model_best"));
  EXPECT_FALSE(fs::exists(root_ / "never/last"));
}

TEST_F(Loop, WeightsThatAreNotFiniteAreNeverSaved) {
  Numbers task(40);
  task.spoil = [&](int64_t step) {
    const torch::NoGradGuard no_grad;
    if (step == 2) task.line.fc->weight.fill_(INFINITY);
    return false;
  };
  const auto c = config("infinite");
  try {
    train(task, c, {}, silent_);
    FAIL() << "no error";
  } catch (const DivergenceError& e) {
    EXPECT_EQ(std::string(e.what()).find("infinite/last"), std::string::npos) << e.what();
  }
  EXPECT_FALSE(fs::exists(root_ / "infinite/last"));
  EXPECT_FALSE(fs::exists(root_ / "infinite/model_best"));
}

// With a clip the gradient's norm is known: such a step is skipped, and five in a row are too many.
TEST_F(Loop, GradientsThatAreNotFiniteAreSkippedWithAClip) {
  auto c = config("clipped");
  c.clip_grad = 1;
  Numbers task(16);
  task.spoil_gradient = [](int64_t step) { return step == 2; };
  EXPECT_EQ(train(task, c, {}, silent_).steps, 4);
  EXPECT_TRUE(std::isfinite(result(task).first));
  Numbers never(80);
  never.spoil_gradient = [](int64_t step) { return step > 2; };
  c.output = (root_ / "never").string();
  try {
    train(never, c, {}, silent_);
    FAIL() << "no error";
  } catch (const DivergenceError& e) {
    EXPECT_THAT(e.what(), AllOf(HasSubstr("the gradient was not finite in 5 steps"),
                                HasSubstr("up to step 6"), HasSubstr("lower lr")));
  }
  EXPECT_EQ(never.steps, 7);
  EXPECT_TRUE(std::isfinite(result(never).first));
}

// Without one the weights are spoilt, which the next loss gives away, or the end of the epoch.
TEST_F(Loop, WeightsThatAGradientSpoiltEndTheRun) {
  Numbers task(80), last(16);
  task.spoil_gradient = [](int64_t step) { return step == 2; };
  last.spoil_gradient = [](int64_t step) { return step == 4; };
  for (auto* numbers : {&task, &last}) {
    auto c = config(numbers == &task ? "spoilt" : "spoilt-last");
    try {
      train(*numbers, c, {}, silent_);
      FAIL() << "no error";
    } catch (const DivergenceError& e) {
      EXPECT_THAT(e.what(), AllOf(HasSubstr(numbers == &task ? "step 2" : "step 4"),
                                  HasSubstr("fc.weight"), HasSubstr("clip_grad")));
    }
    EXPECT_EQ(numbers->evaluations, 0u);
  }
  EXPECT_EQ(task.steps, 3);
  EXPECT_EQ(last.steps, 4);
}

TEST_F(Loop, WhatWasLearnedBeforeABadSampleIsKept) {
  Numbers task(20), rest(20), whole(20);
  auto c = config("bad");
  task.bad = rest.bad = whole.bad = {13};
  EXPECT_THROW(train(task, c, {}, silent_), DataError);
  EXPECT_EQ(task.steps, 3);
  c.resume = true;
  EXPECT_THROW(train(rest, c, {}, silent_), DataError);
  c.on_bad_sample = "skip";
  EXPECT_EQ(train(rest, c, {}, silent_).steps, 5);
  c = config("skipped-whole");
  c.on_bad_sample = "skip";
  train(whole, c, {}, silent_);
  EXPECT_EQ(result(rest), result(whole));
}

TEST_F(Loop, OneRunPerFolder) {
  Numbers first(20), second(20);
  const auto c = config("shared");
  bool refused = false;
  // The other run comes while this one is under way.
  first.spoil = [&](int64_t) {
    try {
      train(second, c, {}, silent_);
    } catch (const TryAgainError&) {
      refused = true;
    }
    return false;
  };
  EXPECT_EQ(train(first, c, {}, silent_).steps, 5);
  EXPECT_TRUE(refused);
  EXPECT_EQ(second.steps, 0);
}

TEST_F(Loop, OtherDataIsNoResume) {
  Numbers task(20), less(12), as_many_batches(18);
  auto c = config("other");
  train(task, c, {}, silent_);
  c.resume = true;
  c.epochs = 2;
  EXPECT_THROW(train(less, c, {}, silent_), DataError);
  EXPECT_THROW(train(as_many_batches, c, {}, silent_), DataError) << "in another order";
  EXPECT_NO_THROW(train(task, c, {}, silent_));
}

// Asks for the end while an epoch is under way.
class StopAfter final : public Progress {
 public:
  StopAfter(std::stop_source source, int64_t updates)
      : source_(std::move(source)), left_(updates) {}
  void update(int64_t, const std::string&) override {
    if (--left_ == 0) source_.request_stop();
  }

 private:
  std::stop_source source_;
  int64_t left_;
};

TEST_F(Loop, AnInterruptWithinAnEpochGoesOnWhereItWas) {
  Numbers whole(20), parts(20), rest(20);
  auto c = config("whole");
  c.epochs = 2;
  train(whole, c, {}, silent_);
  c.output = (root_ / "parts").string();
  std::stop_source source;
  StopAfter stopping(source, 7);
  const auto report = train(parts, c, source.get_token(), stopping);
  EXPECT_EQ(report.stop_reason, "interrupted");
  EXPECT_EQ(report.steps, 7);
  c.resume = true;
  EXPECT_EQ(train(rest, c, {}, silent_).steps, 10);
  EXPECT_EQ(result(rest), result(whole));
  c.resume = false;
  EXPECT_THROW(train(rest, c, {}, silent_), UsageError) << "the folder holds a run";
}

TEST_F(Loop, AnInterruptAtTheLastStepLeavesNothingUnevaluated) {
  Numbers task(20);
  auto c = config("both");
  c.max_steps = 3;
  std::stop_source source;
  StopAfter stopping(source, 3);
  const auto report = train(task, c, source.get_token(), stopping);
  EXPECT_EQ(report.stop_reason, "steps");
  EXPECT_EQ(report.steps, 3);
  EXPECT_EQ(report.history.size(), 1u);
  EXPECT_TRUE(fs::exists(root_ / "both/model_best"));
}

}  // namespace
}  // namespace braid::train
