#include "braid/runtime/skip_random_init.h"

#include <gtest/gtest.h>

#include <cmath>

namespace braid::runtime {
namespace {

TEST(SkipRandomInit, DrawsNothing) {
  torch::manual_seed(1);
  const auto expected = torch::rand({3});
  torch::manual_seed(1);
  {
    const SkipRandomInit skip;
    const torch::nn::Linear linear(1000, 100);
    torch::nn::init::xavier_normal_(linear->weight);
    torch::randn({100});
    auto kept = torch::full({4}, 7.0);
    kept.uniform_(-1, 1);
    torch::nn::init::kaiming_normal_(kept.view({2, 2}));
    kept.erfinv_();
    EXPECT_TRUE(kept.equal(torch::full({4}, 7.0)));
    EXPECT_TRUE(linear->weight.requires_grad());
  }
  EXPECT_TRUE(torch::rand({3}).equal(expected)) << "the generator was moved";
}

TEST(SkipRandomInit, ComputesEverythingElse) {
  const SkipRandomInit skip;
  const torch::nn::BatchNorm2d norm(3);
  EXPECT_TRUE(norm->weight.equal(torch::ones({3})));
  EXPECT_TRUE(torch::arange(4).cumsum(0).equal(torch::tensor({0, 1, 3, 6})));
  auto x = torch::full({2}, 3.0, torch::requires_grad());
  x.square().sum().backward();
  EXPECT_TRUE(x.grad().equal(torch::full({2}, 6.0)));
}

TEST(SkipRandomInit, EndsWithItsScope) {
  { const SkipRandomInit skip; }
  auto x = torch::full({100}, 7.0);
  x.uniform_(0, 1);
  EXPECT_LT(x.max().item<double>(), 1);
  EXPECT_NEAR(torch::full({1}, 0.5).erfinv_().item<double>(), 0.4769363, 1e-6);
}

}  // namespace
}  // namespace braid::runtime
