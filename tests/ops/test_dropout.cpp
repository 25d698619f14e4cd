// Dropout against its rule, number by number.
#include "braid/ops/dropout.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "braid/ops/token_kernels_cpu.h"
#include "tests/ops/operator_checks.h"

namespace braid::ops {
namespace {

using torch::Tensor;

// 1 where the rule keeps a number, else 0.
Tensor kept_mask(const DropRule& rule, at::IntArrayRef shape) {
  Tensor mask = torch::zeros(shape);
  auto* at = mask.data_ptr<float>();
  for (int64_t i = 0; i < mask.numel(); ++i) at[i] = keeps(rule, i) ? 1.0f : 0.0f;
  return mask;
}

const std::vector<std::vector<int64_t>> kDropShapes = {
    {4, 16, 256}, {3, 7}, {1}, {700, 24}, {5, 4099}};

TEST(Dropout, KeepsWhatItsRuleSays) {
  for (const auto& shape : kDropShapes)
    for (const auto type : {torch::kFloat, torch::kBFloat16}) {
      torch::manual_seed(1);
      const DropRule rule = draw_drop_rule(0.3);
      const Tensor x = torch::randn(shape).to(type).requires_grad_();
      const Tensor mask = kept_mask(rule, shape);
      const Tensor y = dropout(x, rule);
      EXPECT_EQ(y.scalar_type(), type);
      const Tensor expected = (x.detach().to(torch::kFloat) * mask * rule.scale).to(type);
      EXPECT_TRUE(torch::equal(y, expected)) << at::IntArrayRef(shape);
      const Tensor dy = torch::randn(shape).to(type);
      y.backward(dy);
      EXPECT_TRUE(torch::equal(x.grad(), (dy.to(torch::kFloat) * mask * rule.scale).to(type)));
    }
}

TEST(Dropout, AddsAResidualOfItsType) {
  for (const auto type : {torch::kFloat, torch::kBFloat16}) {
    torch::manual_seed(2);
    const DropRule rule = draw_drop_rule(0.1);
    const Tensor x = torch::randn({33, 45}).to(torch::kBFloat16).requires_grad_();
    const Tensor residual = torch::randn({33, 45}).to(type).requires_grad_();
    const Tensor mask = kept_mask(rule, {33, 45});
    const Tensor y = dropout(x, rule, residual);
    EXPECT_EQ(y.scalar_type(), type);
    const Tensor sum =
        x.detach().to(torch::kFloat) * mask * rule.scale + residual.detach().to(torch::kFloat);
    EXPECT_LE(difference(y, sum), type == torch::kFloat ? 1e-6 : 0.02);
    const Tensor dy = torch::randn({33, 45}).to(type);
    y.backward(dy);
    EXPECT_TRUE(torch::equal(residual.grad(), dy));
    EXPECT_TRUE(
        torch::equal(x.grad(), (dy.to(torch::kFloat) * mask * rule.scale).to(torch::kBFloat16)));
  }
}

TEST(Dropout, HasASecondDerivative) {
  const DropRule rule = draw_drop_rule(0.5);
  const Tensor x = torch::randn({8, 8}, torch::requires_grad());
  const Tensor y = dropout(x, rule).square().sum();
  const Tensor dx = torch::autograd::grad({y}, {x}, {}, true, /*create_graph=*/true)[0];
  const Tensor ddx = torch::autograd::grad({dx.sum()}, {x})[0];
  EXPECT_TRUE(ddx.allclose(2 * kept_mask(rule, {8, 8}) * rule.scale * rule.scale));
}

TEST(Dropout, IsTheSameForAnyNumberOfThreadsAndLevelOfInstructions) {
  const Tensor x = torch::randn({1000, 130});
  const DropRule rule = draw_drop_rule(0.2);
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const Tensor alone = dropout(x, rule);
  at::set_num_threads(3);
  const Tensor together = dropout(x, rule);
  at::set_num_threads(threads);
  EXPECT_TRUE(torch::equal(alone, together));
  for (const auto* kernels : usable_token_kernels()) {
    Tensor y = torch::empty_like(x);
    kernels->dropout(nullptr, x.const_data_ptr(), y.mutable_data_ptr(),
                     {0, x.numel(), false, false}, rule);
    EXPECT_TRUE(torch::equal(y, alone)) << kernels->name;
  }
}

// Shares of kept numbers, of pairs, and of numbers that two draws have in common, within five
// deviations of independent ones.
TEST(Dropout, LooksIndependent) {
  constexpr int64_t kNumbers = 1 << 20;
  torch::manual_seed(3);
  for (const double rate : {0.1, 0.5, 0.9}) {
    const double keep = 1 - rate;
    const auto mask = [&] {
      return dropout(torch::ones({kNumbers}), draw_drop_rule(rate)).gt(0).to(torch::kDouble);
    };
    const Tensor first = mask(), second = mask();
    const auto expect_share = [&](const char* what, const Tensor& of, double share) {
      const double deviation = std::sqrt(share * (1 - share) / static_cast<double>(of.numel()));
      EXPECT_NEAR(of.mean().item<double>(), share, 5 * deviation) << what << ", rate " << rate;
    };
    expect_share("kept", first, keep);
    for (const int64_t distance : {1, 2, 16, 64, 1024})
      expect_share("pairs", first.slice(0, distance) * first.slice(0, 0, -distance), keep * keep);
    expect_share("two draws", first * second, keep * keep);
    for (const Tensor& row : first.view({16, -1}).unbind()) expect_share("of a part", row, keep);
  }
}

TEST(Dropout, ASeedDecidesIt) {
  const auto draw = [](uint64_t seed) {
    torch::manual_seed(seed);
    return dropout(torch::ones({64}), draw_drop_rule(0.5));
  };
  EXPECT_TRUE(torch::equal(draw(5), draw(5)));
  EXPECT_FALSE(torch::equal(draw(5), draw(6)));
  EXPECT_TRUE(torch::equal(dropout(torch::ones({64}), draw_drop_rule(0)), torch::ones({64})));
}

}  // namespace
}  // namespace braid::ops
