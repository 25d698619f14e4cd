// The learning rate range test: what it says, and that it leaves no trace.
#include "braid/train/lr_find.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "braid/runtime/tensor_file.h"
#include "tests/train/numbers.h"

namespace braid::train {
namespace {

RunConfig config_of_test() {
  RunConfig config;
  config.batch_size = 20;  // all of it: every batch has the same loss
  config.workers = 0;
  config.optimizer.opt = "sgd";
  config.optimizer.momentum = 0;
  config.optimizer.weight_decay = 0;
  config.output =
      (std::filesystem::temp_directory_path() / "braid_lr_find_writes_nothing").string();
  return config;
}

TEST(LrFind, RisesFromRateToRateUntilTheLossDoes) {
  Numbers task(20);
  Progress silent;
  const auto finding = lr_find(task, config_of_test(), {.num_training = 100}, {}, silent);
  ASSERT_GT(finding.points.size(), 50u);
  EXPECT_EQ(finding.points.front().lr, 1e-7);
  EXPECT_NEAR(finding.points[1].lr / 1e-7, std::pow(1e8, 1.0 / 99), 1e-9);
  // The loss of this quadratic grows without end above a rate of about 1.
  EXPECT_LT(finding.points.size(), 100u);
  EXPECT_LT(finding.points.back().lr, 10);
  ASSERT_TRUE(finding.suggestion);
  EXPECT_GT(*finding.suggestion, 1e-3);
  EXPECT_LT(*finding.suggestion, 2);
  EXPECT_FALSE(std::filesystem::exists(config_of_test().output));
}

TEST(LrFind, LeavesModelModesAndRandomNumbersAsTheyWere) {
  Numbers task(20);
  task.line.eval();
  task.line.fc->bias.set_requires_grad(false);
  runtime::TensorMap before;
  for (const auto& [name, tensor] : runtime::named_state(task.line)) before[name] = tensor.clone();
  torch::manual_seed(5);
  const auto expected = torch::rand({4});
  torch::manual_seed(5);
  Progress silent;
  lr_find(task, config_of_test(), {}, {}, silent);
  EXPECT_TRUE(torch::rand({4}).equal(expected));
  for (const auto& [name, tensor] : runtime::named_state(task.line)) {
    EXPECT_TRUE(tensor.equal(before.at(name))) << name;
    EXPECT_FALSE(tensor.grad().defined()) << name;
  }
  EXPECT_FALSE(task.line.is_training());
  EXPECT_FALSE(task.line.fc->is_training());
  EXPECT_TRUE(task.line.fc->weight.requires_grad());
  EXPECT_FALSE(task.line.fc->bias.requires_grad());
}

TEST(LrFind, LeavesThemToWhereItFailsToo) {
  Numbers task(20);
  task.bad = {13};
  const auto before = task.line.fc->weight.clone();
  Progress silent;
  EXPECT_THROW(lr_find(task, config_of_test(), {}, {}, silent), DataError);
  EXPECT_TRUE(task.line.fc->weight.equal(before));
}

TEST(LrFind, IsOfAllLayersWhereTheyAreFrozenAtFirst) {
  Progress silent;
  const auto losses = [&](double freeze_epochs) {
    Numbers task(20);
    auto config = config_of_test();
    if (freeze_epochs > 0) config.freeze = "1";  // its only layer
    config.freeze_epochs = freeze_epochs;
    std::vector<double> list;
    for (const auto& point : lr_find(task, config, {.num_training = 30}, {}, silent).points)
      list.push_back(point.loss);
    return list;
  };
  EXPECT_EQ(losses(2), losses(0));
}

TEST(LrFind, TakesAtMostThreePercentOfARunButEnoughToSay) {
  Progress silent;
  const auto steps = [&](int64_t max_steps) {
    Numbers task(20);
    auto config = config_of_test();
    config.max_steps = max_steps;
    lr_find(task, config, {.max_lr = 1e-5}, {}, silent);
    return task.steps;
  };
  EXPECT_EQ(steps(2000), 60);
  EXPECT_EQ(steps(100), 30);
  EXPECT_EQ(steps(1'000'000), 100);
}

TEST(LrFind, EndsWhereTheLossIsNotFinite) {
  Numbers task(20);
  task.spoil = [](int64_t step) { return step == 8; };
  Progress silent;
  const auto finding = lr_find(task, config_of_test(), {}, {}, silent);
  EXPECT_EQ(finding.points.size(), 7u);
  EXPECT_FALSE(finding.suggestion) << "the first ten say nothing";
}

// numpy.gradient(losses[10:-1]).argmin() + 10, as Lightning's suggestion().
TEST(LrFind, SuggestsTheSteepestPoint) {
  std::vector<LrPoint> points;
  for (int i = 0; i < 40; ++i)
    points.push_back(
        {std::pow(10, i / 10.0), i < 3 ? 100.0 - 30 * i : 5 - std::tanh((i - 25) / 3.0)});
  EXPECT_DOUBLE_EQ(suggest_lr(points).value(), points[25].lr);
  points.resize(12);
  EXPECT_FALSE(suggest_lr(points));
}

}  // namespace
}  // namespace braid::train
