// Cross entropy against LibTorch's operators, in float64 where they compute the truth.
#include "braid/ops/cross_entropy.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <vector>

#include "braid/core/error.h"
#include "braid/ops/token_kernels_cpu.h"
#include "tests/ops/operator_checks.h"

namespace braid::ops {
namespace {

using torch::Tensor;

struct Logits {
  Tensor x, labels;
};
// Some rows have no label.
Logits some_logits(int64_t rows, int64_t classes) {
  torch::manual_seed(4);
  Tensor labels = torch::randint(classes, {rows}, torch::kLong);
  for (int64_t i = 1; i < rows; i += 5) labels[i] = -100;
  return {torch::randn({rows, classes}) * 4, labels};
}

// The loss and the gradient of three times it.
std::vector<Tensor> loss_and_gradient(decltype(cross_entropy)* op, const Tensor& logits,
                                      const Tensor& labels, double smoothing) {
  const Tensor x = logits.detach().clone().requires_grad_();
  const Tensor loss = op(x, labels, smoothing);
  (3 * loss).backward();
  return {loss.detach(), x.grad()};
}

TEST(CrossEntropy, IsLibTorchs) {
  for (const int64_t classes : {512, 1001, 30522})
    for (const double smoothing : {0.0, 0.1}) {
      const auto [x, labels] = some_logits(12, classes);
      ASSERT_TRUE(is_cross_entropy_fused(x, labels));
      const auto found = loss_and_gradient(cross_entropy, x, labels, smoothing);
      const auto truth =
          loss_and_gradient(composed_cross_entropy, x.to(torch::kDouble), labels, smoothing);
      EXPECT_EQ(found[0].scalar_type(), torch::kFloat);
      EXPECT_LE(difference(found[0], truth[0]), 1e-5 * largest(truth[0]));
      EXPECT_LE(difference(found[1], truth[1]), 1e-5 * largest(truth[1])) << classes;
    }
}

TEST(CrossEntropy, RoundsBFloat16OnceAtTheEnd) {
  const auto [x, labels] = some_logits(7, 777);
  const Tensor narrow = x.to(torch::kBFloat16);
  const auto half = loss_and_gradient(cross_entropy, narrow, labels, 0.1);
  const auto whole = loss_and_gradient(cross_entropy, narrow.to(torch::kFloat), labels, 0.1);
  EXPECT_TRUE(torch::equal(half[0], whole[0]));
  EXPECT_TRUE(torch::equal(half[1], whole[1].to(torch::kBFloat16)));
}

TEST(CrossEntropy, LargeLogitsAndThreadsAreNoMatter) {
  auto [x, labels] = some_logits(40, 600);
  x = x + 1e4;
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const auto alone = loss_and_gradient(cross_entropy, x, labels, 0);
  at::set_num_threads(3);
  const auto together = loss_and_gradient(cross_entropy, x, labels, 0);
  at::set_num_threads(threads);
  EXPECT_TRUE(alone[0].isfinite().item<bool>());
  EXPECT_TRUE(torch::equal(alone[0], together[0]));
  EXPECT_TRUE(torch::equal(alone[1], together[1]));
}

TEST(CrossEntropy, IsTheSameAtEachLevelOfInstructions) {
  const auto [x, labels] = some_logits(1, 999);
  const auto* expected = usable_token_kernels().back();
  const RowSums sums = expected->logit_sums(x.const_data_ptr(), 999, false);
  const auto gradient_by = [&](const TokenKernels& kernels) {
    Tensor dx = torch::empty_like(x);
    kernels.logit_gradient(
        x.const_data_ptr(), dx.mutable_data_ptr(), 999, false,
        {.log_sum = 15, .every = 1e-4f, .of_label = 0.9f, .scale = 2, .label = 998});
    return dx;
  };
  for (const auto* kernels : usable_token_kernels()) {
    const RowSums found = kernels->logit_sums(x.const_data_ptr(), 999, false);
    EXPECT_EQ(found.largest, sums.largest) << kernels->name;
    EXPECT_NEAR(found.exponentials, sums.exponentials, 1e-5 * sums.exponentials) << kernels->name;
    EXPECT_NEAR(found.numbers, sums.numbers, 1e-3) << kernels->name;
    EXPECT_LE(difference(gradient_by(*kernels), gradient_by(*expected)), 1e-6) << kernels->name;
  }
}

TEST(CrossEntropy, RefusesWhatLibTorchRefuses) {
  const Tensor x = torch::randn({2, 600}, torch::requires_grad());
  EXPECT_THROW(cross_entropy(x, torch::tensor({0, 600}, torch::kLong), 0), c10::IndexError);
  EXPECT_THROW(cross_entropy(x, torch::tensor({-1, 3}, torch::kLong), 0), c10::IndexError);
  const auto nothing = torch::tensor({-100, -100}, torch::kLong);
  EXPECT_TRUE(cross_entropy(x, nothing, 0).isnan().item<bool>()) << "as LibTorch's";
  const auto dx = [&] {
    return torch::autograd::grad({cross_entropy(x, torch::tensor({1, 2}, torch::kLong), 0)}, {x},
                                 {}, true, /*create_graph=*/true);
  };
  EXPECT_THROW(dx(), InternalError) << "a second derivative";
}

}  // namespace
}  // namespace braid::ops
