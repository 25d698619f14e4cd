// Training without the easiest items.
#include "braid/train/easiest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "braid/core/error.h"
#include "tests/train/loop_test.h"

namespace braid::train {
namespace {

// Nothing is learned, so that the losses stay what they are.
TEST_F(Loop, TheEasiestItemsAreSkippedFromTheThirdEpochOn) {
  constexpr int64_t kExamples = 20, kSkipped = 5;
  Numbers task(kExamples);
  const auto [weight, bias] = result(task);
  std::vector<std::pair<double, int64_t>> losses;
  for (int64_t i = 0; i < kExamples; ++i) {
    const double error = (weight - 2) * static_cast<double>(i) / 10 + bias;
    losses.emplace_back(error * error, i);
  }
  std::sort(losses.begin(), losses.end());
  std::vector<int64_t> hard;
  for (size_t k = kSkipped; k < losses.size(); ++k) hard.push_back(losses[k].second);
  std::sort(hard.begin(), hard.end());
  hard.resize(12);  // of 15: what does not fill a batch of 4 is left out
  auto c = config("skips");
  c.skip_easiest = 0.25;
  c.optimizer.lr = 0;
  c.epochs = 4;
  EXPECT_EQ(train(task, c, {}, silent_).steps, 5 + 5 + 3 + 3);
  ASSERT_EQ(task.seen.size(), 40u + 24u);
  for (size_t k = 0; k < 40; ++k) EXPECT_EQ(task.seen[k], static_cast<int64_t>(k % 20));
  const auto third = task.seen.begin() + 40;
  EXPECT_EQ(std::vector<int64_t>(third, third + 12), hard);
  EXPECT_EQ(std::vector<int64_t>(third + 12, task.seen.end()), hard);
}

TEST(EasiestItemsTest, ChoosesByWhatWasSeenLast) {
  EasiestItems items(0.5);
  items.see({0, 1, 2, 3, 5}, torch::tensor({0.5, 0.1, 0.4, 0.3, std::nan("")}));
  items.begin_epoch(EasiestItems::kWholeEpochs - 1);
  EXPECT_TRUE(items.skipped().empty());
  const auto skipped = [&](int64_t epoch) {
    items.begin_epoch(epoch);
    std::set<size_t> found;
    for (size_t i = 0; i < items.skipped().size(); ++i)
      if (items.skipped()[i]) found.insert(i);
    return found;
  };
  EXPECT_EQ(skipped(2), (std::set<size_t>{1, 3})) << "half of the four that are known";
  items.see({0, 2}, torch::tensor({0.2, 0.05}));  // the others have not been seen again
  EXPECT_TRUE(items.skipped()[3]) << "the epoch goes on with what it began with";
  const auto state = items.state();
  EasiestItems resumed(0.5);
  resumed.load_state(state);
  EXPECT_EQ(resumed.skipped(), items.skipped());
  resumed.begin_epoch(3);
  EXPECT_EQ(skipped(3), (std::set<size_t>{1, 2}));
  EXPECT_EQ(resumed.skipped(), items.skipped());
  resumed.load_state({});
  EXPECT_TRUE(EasiestItems(0.5).state().empty());
  EXPECT_THROW(resumed.load_state({{"losses", torch::zeros({2, 2})}}), DataError);
  EXPECT_THROW(resumed.load_state({{"skipped", torch::zeros({2})}}), DataError);
}

TEST_F(Loop, OnlyTasksWithALossForEachItemSkip) {
  Numbers task(20);
  task.has_item_losses = false;
  auto c = config("refused");
  c.skip_easiest = 0.1;
  EXPECT_THROW(train(task, c, {}, silent_), ConfigError);
  EXPECT_FALSE(task.gives_item_losses);
}

}  // namespace
}  // namespace braid::train
