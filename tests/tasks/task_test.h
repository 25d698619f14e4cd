// A task whose data is a folder of the test's own.
#pragma once
#include <gtest/gtest.h>
#include <torch/optim/adamw.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "braid/core/progress.h"
#include "braid/tasks/open_task_data.h"

namespace braid::tasks {

class TaskTest : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ =
        std::filesystem::temp_directory_path() /
        ("braid_task_" +
         std::string(::testing::UnitTest::GetInstance()->current_test_info()->test_suite_name()) +
         std::to_string(::getpid()));
    std::filesystem::remove_all(root_);
    std::filesystem::create_directories(root_);
    config_.data = root_.string();
    config_.model = "bert_tiny";
    config_.text.vocab_size = 300;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  std::unique_ptr<Task> make(const TaskOptions& options = {}) {
    return open_task_data(config_, "error", options.checkpoint)
        ->make_task(config_, options, silent_);
  }

  // In training mode, by AdamW, batches in the loader's order; see(step, batch) before each step.
  using See = std::function<void(const Step&, const data::Batch&)>;
  static void fit(
      Task& task, int64_t epochs, int64_t batch_size, double lr,
      const See& see = [](const Step&, const data::Batch&) {}) {
    const auto loader = task.training_loader({.batch_size = batch_size, .workers = 0});
    torch::optim::AdamW optimizer(task.model().parameters(), torch::optim::AdamWOptions(lr));
    task.model().train();
    for (int64_t epoch = 0; epoch < epochs; ++epoch) {
      loader->start_epoch(epoch);
      while (const auto batch = loader->next()) {
        const auto step = task.training_step(*batch);
        see(step, *batch);
        optimizer.zero_grad();
        step.loss.backward();
        optimizer.step();
      }
    }
  }

  std::filesystem::path root_;
  TaskConfig config_;
  Progress silent_;
};

}  // namespace braid::tasks
