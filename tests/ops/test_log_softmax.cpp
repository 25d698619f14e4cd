// Log-probabilities against LibTorch's operator, in float64 where it computes the truth.
#include "braid/ops/log_softmax.h"

#include <gtest/gtest.h>

#include "tests/ops/operator_checks.h"

namespace braid::ops {
namespace {

TEST(LogSoftmax, IsLibTorchs) {
  const torch::NoGradGuard no_grad;
  torch::manual_seed(10);
  for (const auto type : {torch::kFloat, torch::kBFloat16})
    for (const int64_t width : {1, 7, 16, 1000, 16003}) {
      const auto logits = (torch::randn({5, width}) * 8).to(type);
      ASSERT_TRUE(is_log_softmax_fused(logits));
      const auto y = log_softmax(logits);
      EXPECT_EQ(y.scalar_type(), torch::kFloat);
      EXPECT_LE(difference(y, at::log_softmax(logits.to(torch::kDouble), -1)), 1e-5) << width;
    }
}

TEST(LogSoftmax, WhatCannotBeStaysSo) {
  const torch::NoGradGuard no_grad;
  auto logits = torch::randn({4, 40});
  logits[3].fill_(-INFINITY);
  logits[0][3] = -INFINITY;
  logits[1][39] = NAN;
  const auto y = log_softmax(logits);
  EXPECT_EQ(y[0][3].item<float>(), -INFINITY);
  EXPECT_TRUE(y[0][4].isfinite().item<bool>());
  EXPECT_TRUE(y[1].isnan().all().item<bool>());
  EXPECT_TRUE(y[2].isfinite().all().item<bool>());
  EXPECT_TRUE(y[3].isnan().all().item<bool>());
}

TEST(LogSoftmax, LeavesTheRestToLibTorch) {
  const auto logits = torch::randn({3, 40});
  EXPECT_FALSE(is_log_softmax_fused(logits)) << "gradients are recorded";
  const torch::NoGradGuard no_grad;
  EXPECT_FALSE(is_log_softmax_fused(logits.t()));
  EXPECT_TRUE(torch::equal(log_softmax(logits.t()), composed_log_softmax(logits.t())));
}

}  // namespace
}  // namespace braid::ops
