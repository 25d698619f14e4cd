// The trainer on a small folder of generated images: what a run leaves behind, and that an
// interrupted or killed one ends in the weights of an unbroken one.
#include "braid/train/trainer.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "braid/core/error.h"
#include "braid/runtime/generator_guard.h"
#include "braid/runtime/tensor_file.h"
#include "tests/train/run.h"

namespace braid::train {
namespace {

namespace fs = std::filesystem;

// 48 gray images of 16 pixels in two classes: a bright left or a bright right half, with noise.
class Halves final : public data::Dataset {
 public:
  int64_t size() const override { return 48; }
  data::Example get(int64_t index) const override {
    data::Example example;
    example.label = label(index);
    example.image.height = example.image.width = 16;
    example.image.channels = 1;
    example.image.pixels.resize(256);
    uint32_t noise = 2654435761u * static_cast<uint32_t>(index + 1);
    for (int64_t k = 0; k < 256; ++k) {
      noise = noise * 1664525u + 1013904223u;
      const bool bright = (k % 16 < 8) == (example.label == 0);
      example.image.pixels[static_cast<size_t>(k)] =
          static_cast<uint8_t>((bright ? 120 : 40) + noise % 80);
    }
    return example;
  }
  int64_t label(int64_t index) const override { return index % 2; }
  std::string describe(int64_t index) const override { return std::to_string(index); }
  const std::vector<std::string>& classes() const override { return classes_; }
  int64_t channels() const override { return 1; }

 private:
  std::vector<std::string> classes_ = {"left", "right"};
};

class TrainerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::temp_directory_path() / ("braid_trainer_" + std::to_string(::getpid()));
    fs::remove_all(root_);
    const auto data = std::make_shared<Halves>();
    splits_.train = splits_.val = data;
  }
  void TearDown() override { fs::remove_all(root_); }

  TrainConfig config(const std::string& run) const {
    TrainConfig c;
    c.task.model = "resnet20";
    c.task.data = "halves";
    c.task.image.augment.no_aug = true;  // a flipped image would belong to the other class
    c.run.output = (root_ / run).string();
    c.run.epochs = 4;
    c.run.batch_size = 8;
    c.run.workers = 0;
    c.run.checkpoint_hist = 2;
    c.run.schedule.sched = "constant";
    return c;
  }
  TrainResult train(const TrainConfig& c, std::stop_token stop = {}) {
    return train_run(c, splits_, silent_, std::move(stop));
  }
  void expect_same_weights(const fs::path& a, const fs::path& b) const {
    const auto left = runtime::load_tensors(root_ / a / "model.safetensors");
    const auto right = runtime::load_tensors(root_ / b / "model.safetensors");
    ASSERT_EQ(left.size(), right.size());
    ASSERT_FALSE(left.empty());
    for (const auto& [name, tensor] : left) EXPECT_TRUE(tensor.equal(right.at(name))) << name;
  }

  fs::path root_;
  data::Splits splits_;
  Progress silent_;
};

TEST_F(TrainerTest, LearnsAndFillsTheRunFolder) {
  auto longer = config("whole");
  longer.run.epochs = 8;
  const auto result = train(longer);
  EXPECT_EQ(result.stop_reason, "epochs");
  EXPECT_EQ(result.history.size(), 8u);
  EXPECT_EQ(result.steps, 48);
  EXPECT_GT(result.best_scores.at(0).value, 90);
  const fs::path run = root_ / "whole";
  for (const auto* name : {"config.toml", "summary.csv", "results.json", "last/model.safetensors",
                           "last/state.safetensors", "model_best/model.safetensors",
                           "checkpoint-6/config.json", "checkpoint-7/config.json"})
    EXPECT_TRUE(fs::exists(run / name)) << name;
  EXPECT_FALSE(fs::exists(run / "checkpoint-5")) << "two are kept";
  std::ifstream csv(run / "summary.csv");
  int lines = 0;
  for (std::string line; std::getline(csv, line);) ++lines;
  EXPECT_EQ(lines, 9);
}

TEST_F(TrainerTest, TwoEpochsAndTwoResumedEqualFour) {
  auto whole = config("whole"), parts = config("parts");
  whole.run.model_ema = parts.run.model_ema = true;
  train(whole);
  parts.run.epochs = 2;
  train(parts);
  parts.run.epochs = 4;
  parts.run.resume = true;
  train(parts);
  expect_same_weights("whole/last", "parts/last");
  expect_same_weights("whole/model_best", "parts/model_best");
}

TEST_F(TrainerTest, ABalancedSamplerResumesToTheSameWeights) {
  auto whole = config("whole"), parts = config("parts");
  for (auto* c : {&whole, &parts}) {
    c->task.sampler = "balanced";
    c->task.image.augment.no_aug = false;
    c->task.image.augment.hflip = 0;
    c->run.epochs = 2;
    c->run.checkpoint_minutes = 1e-9;
  }
  train(whole);
  // Within the first epoch, by another number of loader threads.
  std::stop_source source;
  class StopsAt final : public Progress {
   public:
    explicit StopsAt(std::stop_source& source) : source_(source) {}
    void update(int64_t done, const std::string&) override {
      if (done == 3) source_.request_stop();
    }

   private:
    std::stop_source& source_;
  } stops(source);
  parts.run.workers = 2;
  EXPECT_EQ(train_run(parts, splits_, stops, source.get_token()).stop_reason, "interrupted");
  parts.run.resume = true;
  train(parts);
  expect_same_weights("whole/last", "parts/last");
  parts.task.sampler = "random";
  EXPECT_THROW(train(parts), ConfigError) << "another order";
}

TEST_F(TrainerTest, TurnsChangeNothing) {
  auto whole = config("whole"), turns = config("turns"), other = config("other");
  for (auto* c : {&whole, &turns, &other}) {
    c->run.epochs = 2;
    c->task.model = "vit_lite_2_4_32";
    c->task.drop = 0.3;  // so that each training draws from the generator
  }
  other.run.seed = 5;
  train(whole);
  const auto make = [&](const TrainConfig& c) {
    return tasks::make_image_task(c.task, splits_, {.seed = c.run.seed}, silent_);
  };
  const auto task = make(turns), other_task = make(other);
  runtime::KeptGenerator generator(at::kCPU, static_cast<uint64_t>(turns.run.seed)),
      other_generator(at::kCPU, static_cast<uint64_t>(other.run.seed));
  Training training(*task, turns.run, {}, silent_), neighbour(*other_task, other.run, {}, silent_);
  int64_t slices = 0;
  for (bool ended = false; !ended; ++slices) {  // no time at all: a step each
    {
      const auto turn = generator.turn();
      ended = training.advance(0);
    }
    const auto turn = other_generator.turn();
    neighbour.advance(0);
  }
  EXPECT_GT(slices, 4);
  EXPECT_EQ(training.finish().stop_reason, "epochs");
  expect_same_weights("whole/last", "turns/last");
}

TEST_F(TrainerTest, ABudgetOfStepsIsEvaluatedFiftyTimesAtMost) {
  auto c = config("steps");
  c.run.batch_size = 24;
  c.run.max_steps = 200;  // 100 passes
  const auto result = train(c);
  EXPECT_EQ(result.steps, 200);
  EXPECT_EQ(result.history.size(), 50u);
  EXPECT_EQ(result.history.back().step, 200);
}

TEST_F(TrainerTest, KilledAtAnyMomentResumesToTheSameWeights) {
  train(config("whole"));
  auto killed = config("killed");
  killed.run.checkpoint_minutes = 1e-9;  // after every step, so that kills fall into saving too
  killed.run.resume = true;
  int kills = 0;
  for (int attempt = 0; attempt < 6; ++attempt) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      try {
        train(killed);
      } catch (...) {
        ::_exit(1);
      }
      ::_exit(0);
    }
    ::usleep(static_cast<useconds_t>(60000 + 97000 * attempt % 310000));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_FALSE(WIFEXITED(status) && WEXITSTATUS(status) != 0) << "resume failed in the child";
    kills += WIFSIGNALED(status) ? 1 : 0;
  }
  EXPECT_GT(kills, 0) << "every child ended before its kill: nothing was tested";
  train(killed);
  expect_same_weights("whole/last", "killed/last");
}

TEST_F(TrainerTest, AnExistingRunIsNotOverwritten) {
  auto c = config("twice");
  c.run.epochs = 1;
  train(c);
  EXPECT_THROW(train(c), UsageError);
}

TEST_F(TrainerTest, ResumeWithOtherSettingsNamesTheField) {
  auto c = config("other");
  c.run.epochs = 1;
  train(c);
  c.run.resume = true;
  c.run.optimizer.lr = 0.5;
  try {
    train(c);
    FAIL() << "no error";
  } catch (const ConfigError& e) {
    EXPECT_NE(std::string(e.what()).find("lr"), std::string::npos) << e.what();
  }
}

TEST_F(TrainerTest, AnInterruptSavesAndReturns) {
  std::stop_source source;
  source.request_stop();
  const auto result = train(config("interrupted"), source.get_token());
  EXPECT_EQ(result.stop_reason, "interrupted");
  EXPECT_TRUE(result.best_scores.empty());
  EXPECT_TRUE(fs::exists(root_ / "interrupted/last/state.safetensors"));
  auto resumed = config("interrupted");
  resumed.run.resume = true;
  train(resumed);
  train(config("whole"));
  expect_same_weights("whole/last", "interrupted/last");
}

TEST_F(TrainerTest, AnOutputThatIsAFileIsAnIoError) {
  fs::create_directories(root_);
  std::ofstream(root_ / "file") << "x";
  EXPECT_THROW(train(config("file")), IoError);
}

}  // namespace
}  // namespace braid::train
