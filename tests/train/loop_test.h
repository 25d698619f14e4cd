// Short runs of the loop on a task that has nothing to do with images.
#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>

#include "braid/train/trainer.h"
#include "tests/train/numbers.h"

namespace braid::train {

class Loop : public ::testing::Test {
 protected:
  void SetUp() override { std::filesystem::remove_all(root_); }
  void TearDown() override { std::filesystem::remove_all(root_); }
  RunConfig config(const std::string& run) const {
    RunConfig c;
    c.output = (root_ / run).string();
    c.epochs = 1;
    c.batch_size = 4;
    c.workers = 0;
    c.dtype = "float32";  // on processors that multiply bfloat16 too
    c.optimizer.opt = "sgd";
    c.optimizer.momentum = 0;
    c.optimizer.weight_decay = 0;
    c.optimizer.lr = 0.05;
    c.schedule.sched = "constant";
    return c;
  }
  // The weight and the bias after a run.
  static std::pair<double, double> result(Numbers& task) {
    return {task.line.fc->weight.item<double>(), task.line.fc->bias.item<double>()};
  }

  std::filesystem::path root_ =
      std::filesystem::temp_directory_path() / ("braid_loop_" + std::to_string(::getpid()));
  Progress silent_;
};

}  // namespace braid::train
