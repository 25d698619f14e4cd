// Activations against LibTorch's operators in float64, where they compute the truth.
#include "braid/ops/activation.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "braid/core/error.h"
#include "braid/ops/activation_cpu.h"
#include "tests/ops/gradient_check.h"
#include "tests/ops/operator_checks.h"

namespace braid::ops {
namespace {

using torch::Tensor;

const std::vector<Activation> kFusedActivations = {Activation::kGelu, Activation::kSilu};

using ActivationOperator = Tensor (*)(const Tensor&, Activation);

// y, dx
std::vector<Tensor> activated_by(ActivationOperator op, const Tensor& from, const Tensor& dy,
                                 Activation activation) {
  const auto x = from.detach().clone().requires_grad_();
  const auto y = op(x, activation);
  y.backward(dy);
  return {y.detach(), x.grad()};
}

TEST(FusedActivation, IsLibTorchsInFloat32) {
  torch::manual_seed(7);
  for (const auto& shape : std::vector<std::vector<int64_t>>{
           {1}, {15}, {17}, {3, 5, 7}, {2, 13, 9, 5}, {8, 32, 16, 17}, {70001}})
    for (const auto activation : kFusedActivations) {
      const auto x = torch::randn(shape) * 4, dy = torch::randn(shape);
      ASSERT_TRUE(is_fused(x, activation));
      const auto found = activated_by(activate, x, dy, activation);
      const auto truth =
          activated_by(composed_activate, x.to(torch::kDouble), dy.to(torch::kDouble), activation);
      for (size_t i = 0; i < found.size(); ++i) {
        EXPECT_EQ(found[i].scalar_type(), torch::kFloat);
        EXPECT_LE(difference(found[i], truth[i]), 1e-6 * std::max(1.0, largest(truth[i])))
            << "tensor " << i << ", shape " << at::IntArrayRef(shape) << ", activation "
            << static_cast<int>(activation);
      }
    }
}

TEST(FusedActivation, HoldsOverTheWholeRange) {
  const auto x = torch::linspace(-12, 12, 400001), dy = torch::ones_like(x);
  for (const auto activation : kFusedActivations) {
    const auto found = activated_by(activate, x, dy, activation);
    const auto truth =
        activated_by(composed_activate, x.to(torch::kDouble), dy.to(torch::kDouble), activation);
    const auto off = (found[0].to(torch::kDouble) - truth[0]).abs();
    EXPECT_LE((off - 2e-7 * truth[0].abs()).max().item<double>(), 1e-6)
        << static_cast<int>(activation);
    EXPECT_LE(difference(found[1], truth[1]), 2e-6) << static_cast<int>(activation);
  }
}

TEST(FusedActivation, RoundsBFloat16OnceAtTheEnd) {
  torch::manual_seed(8);
  for (const auto activation : kFusedActivations) {
    const auto x = torch::randn({5, 77, 9}).to(torch::kBFloat16), dy = torch::randn_like(x);
    ASSERT_TRUE(is_fused(x, activation));
    const auto half = activated_by(activate, x, dy, activation);
    const auto whole =
        activated_by(activate, x.to(torch::kFloat), dy.to(torch::kFloat), activation);
    for (size_t i = 0; i < half.size(); ++i) {
      EXPECT_EQ(half[i].scalar_type(), torch::kBFloat16);
      EXPECT_TRUE(torch::equal(half[i], whole[i].to(torch::kBFloat16)));
    }
  }
}

TEST(FusedActivation, KeepsTheLayout) {
  const auto x = torch::randn({2, 5, 6, 7});
  for (const auto& laid : {x.contiguous(at::MemoryFormat::ChannelsLast), x.permute({3, 0, 2, 1}),
                           x.transpose(0, 1).contiguous().transpose(0, 1)})
    for (const auto activation : kFusedActivations) {
      ASSERT_TRUE(is_fused(laid, activation));
      // Gradients that lie as the numbers do, in another order, and one number for all.
      for (const auto& dy : {torch::randn_like(laid), torch::randn(laid.sizes()),
                             torch::ones({}).expand(laid.sizes())}) {
        const auto leaf = laid.detach().requires_grad_();
        const auto y = activate(leaf, activation);
        EXPECT_EQ(y.strides(), laid.strides());
        EXPECT_LT(difference(y, composed_activate(laid, activation)), 1e-6);
        const auto dx = torch::autograd::grad({y}, {leaf}, {dy})[0];
        const auto expected =
            torch::autograd::grad({composed_activate(leaf, activation)}, {leaf}, {dy})[0];
        EXPECT_LT(difference(dx, expected), 2e-6);
      }
    }
}

TEST(FusedActivation, IsTheSameAtEachLevelOfInstructions) {
  torch::manual_seed(9);
  for (const auto* kernels : usable_activation_kernels())
    for (const auto dtype : {torch::kFloat, torch::kBFloat16})
      for (const int64_t n : {5, 64, 1003})
        for (const auto activation :
             {Activation::kIdentity, Activation::kRelu, Activation::kGelu, Activation::kSilu}) {
          const auto x = (torch::randn({n}) * 3).to(dtype), dy = torch::randn_like(x);
          const auto run = [&](const ActivationKernels& k) {
            const auto y = torch::empty_like(x), dx = torch::empty_like(x);
            const Numbers numbers{n, dtype == torch::kBFloat16};
            k.forward(x.const_data_ptr(), y.mutable_data_ptr(), numbers, activation);
            k.backward(dy.const_data_ptr(), x.const_data_ptr(), dx.mutable_data_ptr(), numbers,
                       activation);
            return std::vector<Tensor>{y, dx};
          };
          const auto found = run(*kernels), expected = run(*usable_activation_kernels().back());
          for (size_t i = 0; i < found.size(); ++i)
            EXPECT_LE(difference(found[i], expected[i]),
                      (dtype == torch::kBFloat16 ? 1e-2 : 1e-6) * largest(expected[i]))
                << kernels->name << ", tensor " << i;
        }
}

TEST(FusedActivation, TheNumberOfThreadsChangesNothing) {
  const auto x = torch::randn({5, 33333}), dy = torch::randn_like(x);
  const int threads = at::get_num_threads();
  for (const auto activation : kFusedActivations) {
    at::set_num_threads(1);
    const auto one = activated_by(activate, x, dy, activation);
    at::set_num_threads(3);
    const auto three = activated_by(activate, x, dy, activation);
    at::set_num_threads(threads);
    for (size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(torch::equal(one[i], three[i]));
  }
}

TEST(FusedActivation, FallsBackToLibTorchsOperators) {
  const auto x = torch::randn({4, 6, 5});
  const auto same = [](const Tensor& other, Activation activation) {
    EXPECT_FALSE(is_fused(other, activation));
    EXPECT_TRUE(torch::equal(activate(other, activation), composed_activate(other, activation)));
  };
  for (const auto activation : kFusedActivations) {
    same(x.to(torch::kDouble), activation);
    same(x.to(torch::kHalf), activation);
    same(x.slice(2, 0, 5, 2), activation);
    same(x.select(0, 0).expand({3, 6, 5}), activation);
  }
  same(x, Activation::kIdentity);
  same(x, Activation::kRelu);
}

TEST(FusedActivation, HasTheGradientOfFiniteDifferencesInFloat64) {
  const auto x = torch::randn({3, 7}, torch::kDouble);
  for (const auto activation : kFusedActivations)
    EXPECT_LT(gradient_error([&](const Tensor& t) { return activate(t, activation); }, x), 1e-6);
}

TEST(FusedActivation, ASecondDerivativeIsRefused) {
  const auto x = torch::randn({4, 8}).requires_grad_();
  const auto y = activate(x, Activation::kGelu);
  EXPECT_THROW(torch::autograd::grad({y}, {x}, {torch::ones_like(y)}, /*retain_graph=*/true,
                                     /*create_graph=*/true),
               InternalError);
}

TEST(FusedActivation, WhatIsNoNumberStaysWhereItIs) {
  auto x = torch::randn({40});
  x[3] = std::nanf("");
  for (const auto activation : kFusedActivations)
    for (const auto dtype : {torch::kFloat, torch::kBFloat16})
      for (const auto& t :
           activated_by(activate, x.to(dtype), torch::ones({40}, dtype), activation)) {
        EXPECT_TRUE(t[3].isnan().item<bool>());
        EXPECT_EQ(t.isnan().sum().item<int64_t>(), 1);
      }
}

TEST(FusedActivation, IsAnOperatorForWhoWatchesThem) {
  NamesOfOperators watcher;
  const runtime::OpObserver observer(watcher);
  const auto x = torch::randn({4, 3});
  activated_by(activate, x, x, Activation::kSilu);
  for (const char* name : {"braid::activate", "braid::activate_backward"})
    EXPECT_EQ(std::count(watcher.names.begin(), watcher.names.end(), name), 1);
}

}  // namespace
}  // namespace braid::ops
