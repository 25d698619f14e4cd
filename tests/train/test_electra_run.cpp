// ELECTRA's two networks through the loop: what a run keeps of both, and how it goes on.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <stop_token>

#include "braid/runtime/process.h"
#include "braid/runtime/tensor_file.h"
#include "braid/tasks/open_task_data.h"
#include "braid/train/checkpoints.h"
#include "braid/train/trainer.h"
#include "tests/tasks/tiny_electra.h"

namespace braid::train {
namespace {

namespace fs = std::filesystem;

class ElectraRun : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::temp_directory_path() / ("braid_electra_run" + std::to_string(::getpid()));
    fs::remove_all(root_);
    fs::create_directories(root_);
    tasks::write_corpus(root_ / "corpus.txt");
    tasks::write_tiny_electra(root_ / "start", root_ / "corpus.txt");
  }
  void TearDown() override { fs::remove_all(root_); }

  TrainConfig config(const char* name) const {
    TrainConfig config;
    config.task.model = "electra_small";
    config.task.task = tasks::kReplacedTokenDetection;
    config.task.data = (root_ / "corpus.txt").string();
    config.task.weights = (root_ / "start").string();
    config.task.text.max_length = 24;
    config.task.drop = 0.1;  // what is drawn in training must go on too
    config.run.output = (root_ / name).string();
    config.run.epochs = 2;
    config.run.batch_size = 16;
    config.run.workers = 0;
    config.run.dtype = "float32";
    config.run.model_ema = true;
    return config;
  }
  std::unique_ptr<tasks::Task> make(const TrainConfig& config) {
    auto task =
        tasks::open_task_data(config.task, "error", {})
            ->make_task(config.task,
                        {.seed = config.run.seed, .checkpoint = checkpoint_to_resume(config.run)},
                        silent_);
    runtime::set_threads(1);
    runtime::seed_generators(config.run.seed);
    return task;
  }
  TrainResult train_it(const TrainConfig& config) {
    const auto task = make(config);
    return train(*task, config.run, {}, silent_);
  }
  // Ends after so many steps, saved.
  void begin(const TrainConfig& config, int steps) {
    const auto task = make(config);
    std::stop_source stop;
    Training training(*task, config.run, stop.get_token(), silent_);
    for (int i = 0; i < steps; ++i) training.advance(0);
    stop.request_stop();
    training.advance(0);
    EXPECT_EQ(training.finish().stop_reason, "interrupted");
  }
  void expect_same(const fs::path& a, const fs::path& b) {
    const auto one = runtime::load_tensors(root_ / a), other = runtime::load_tensors(root_ / b);
    ASSERT_EQ(one.size(), other.size());
    for (const auto& [name, tensor] : one) EXPECT_TRUE(tensor.equal(other.at(name))) << name;
  }

  fs::path root_;
  Progress silent_;
};

TEST_F(ElectraRun, GoesOnToTheBit) {
  train_it(config("whole"));
  auto parts = config("parts");
  begin(parts, 3);
  parts.run.resume = true;
  train_it(parts);
  expect_same("whole/last/model.safetensors", "parts/last/model.safetensors");
  expect_same("whole/last/generator/model.safetensors", "parts/last/generator/model.safetensors");
  expect_same("whole/model_best/generator/model.safetensors",
              "parts/model_best/generator/model.safetensors");
}

TEST_F(ElectraRun, KeepsAndAveragesBothNetworks) {
  auto averaged = config("averaged");
  averaged.run.average_checkpoints = 2;
  averaged.run.epochs = 3;
  const auto result = train_it(averaged);
  EXPECT_EQ(result.averaged_scores.size(), result.best_scores.size());
  for (const char* folder : {"last", "model_best", "checkpoint-2", "checkpoint-1"}) {
    EXPECT_TRUE(fs::exists(root_ / "averaged" / folder / "model.safetensors")) << folder;
    EXPECT_TRUE(fs::exists(root_ / "averaged" / folder / "generator/model.safetensors")) << folder;
  }
  expect_same("averaged/last/generator/model.safetensors",
              "averaged/checkpoint-2/generator/model.safetensors");
}

}  // namespace
}  // namespace braid::train
