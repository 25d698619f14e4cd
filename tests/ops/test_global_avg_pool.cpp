// Global average pooling against LibTorch's mean.
#include "braid/ops/global_avg_pool.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/ops/gradient_check.h"
#include "tests/ops/operator_checks.h"

namespace braid::ops {
namespace {

torch::Tensor map_of(torch::ScalarType type) {
  return torch::randn({3, 20, 5, 7}).to(type).contiguous(at::MemoryFormat::ChannelsLast);
}

TEST(GlobalAvgPool, IsTheMeanBitForBit) {
  torch::manual_seed(30);
  for (const auto& x : {map_of(torch::kFloat), torch::randn({4, 49, 24})}) {
    const auto positions = x.dim() == 4 ? std::vector<int64_t>{2, 3} : std::vector<int64_t>{1};
    for (const bool keepdim : {false, true}) {
      auto ours = x.clone().requires_grad_(), theirs = x.clone().requires_grad_();
      const auto y = global_avg_pool(ours, keepdim);
      const auto expected = theirs.mean(positions, keepdim);
      ASSERT_TRUE(torch::equal(y, expected));
      y.square().sum().backward();
      expected.square().sum().backward();
      EXPECT_TRUE(torch::equal(ours.grad(), theirs.grad()));
    }
  }
}

TEST(GlobalAvgPool, TheGradientIsTheSlope) {
  torch::manual_seed(31);
  const auto average = [](const torch::Tensor& x) { return global_avg_pool(x).sin(); };
  EXPECT_LE(gradient_error(average, map_of(torch::kDouble)), 1e-8);
  EXPECT_LE(gradient_error(average, torch::randn({2, 6, 3}, torch::kDouble)), 1e-8);
}

TEST(GlobalAvgPool, RoundsToBFloat16) {
  torch::manual_seed(32);
  for (const auto& x : {map_of(torch::kBFloat16), torch::randn({4, 49, 24}).to(torch::kBFloat16)}) {
    const auto y = global_avg_pool(x);
    const auto truth = x.to(torch::kDouble).flatten(x.dim() == 4 ? 2 : 1, x.dim() == 4 ? 3 : 1);
    EXPECT_EQ(y.scalar_type(), torch::kBFloat16);
    EXPECT_LE(difference(y, truth.mean(x.dim() == 4 ? 2 : 1)), 0.01 * largest(y));
  }
}

TEST(GlobalAvgPool, DoesNotOverflowInHalf) {
  const auto x = torch::full({1, 2, 100, 100}, 30.0).to(torch::kHalf).requires_grad_();
  EXPECT_TRUE(torch::equal(global_avg_pool(x), torch::full({1, 2}, 30.0).to(torch::kHalf)));
}

// Graphs and what reads them know one operator for it.
TEST(GlobalAvgPool, WithoutGradientsIsOneOperator) {
  const torch::NoGradGuard no_grad;
  NamesOfOperators watcher;
  const auto x = map_of(torch::kFloat);
  {
    const runtime::OpObserver observer(watcher);
    global_avg_pool(x);
  }
  EXPECT_NE(std::find(watcher.names.begin(), watcher.names.end(), "aten::mean"),
            watcher.names.end());
}

}  // namespace
}  // namespace braid::ops
