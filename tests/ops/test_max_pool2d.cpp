// Max pooling by two against LibTorch's, to the bit.
#include "braid/ops/max_pool2d.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "braid/core/error.h"
#include "braid/ops/max_pool2d_cpu.h"
#include "tests/ops/gradient_check.h"
#include "tests/ops/operator_checks.h"

namespace braid::ops {
namespace {

using torch::Tensor;

using Pooling = Tensor (*)(const Tensor&);

Tensor map_of(at::IntArrayRef shape, at::ScalarType dtype = torch::kFloat) {
  torch::manual_seed(5);
  return torch::randn(shape).to(dtype).contiguous(at::MemoryFormat::ChannelsLast);
}

// y, dx
std::vector<Tensor> pooled(Pooling op, const Tensor& map) {
  const auto x = map.detach().clone().requires_grad_();
  const auto y = op(x);
  torch::manual_seed(6);
  y.backward(torch::randn_like(y));
  return {y.detach(), x.grad()};
}

void expect_libtorchs(const Tensor& map) {
  ASSERT_TRUE(is_fused_max_pool2x2(map));
  const auto found = pooled(max_pool2x2, map), expected = pooled(composed_max_pool2x2, map);
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].scalar_type(), map.scalar_type());
    EXPECT_TRUE(found[i].is_contiguous(at::MemoryFormat::ChannelsLast));
    EXPECT_TRUE(torch::allclose(found[i], expected[i], 0, 0, /*equal_nan=*/true))
        << "tensor " << i << " of " << map.sizes();
  }
}

// Few and many channels, odd ones; odd and even sides; several threads and blocks.
const std::vector<std::vector<int64_t>> kMaps = {
    {2, 8, 5, 7},  {3, 13, 4, 4},    {1, 64, 9, 9},   {4, 3, 6, 5},
    {1, 1, 5, 5},  {64, 24, 2, 2},   {2, 70, 3, 3},   {5, 521, 2, 3},
    {2, 40, 3, 2}, {48, 32, 14, 14}, {33, 7, 20, 19}, {64, 16, 27, 27}};

TEST(MaxPool2x2, IsLibTorchsToTheBit) {
  for (const auto dtype : {torch::kFloat, torch::kBFloat16})
    for (const auto& shape : kMaps) expect_libtorchs(map_of(shape, dtype));
}

TEST(MaxPool2x2, TheFirstOfEqualNumbersWins) {
  for (const auto dtype : {torch::kFloat, torch::kBFloat16}) {
    expect_libtorchs(torch::round(map_of({8, 21, 9, 9}, dtype)));  // zeros of both signs, too
    expect_libtorchs(torch::full_like(map_of({2, 17, 4, 5}, dtype), -HUGE_VAL));
    expect_libtorchs(torch::full_like(map_of({2, 17, 4, 5}, dtype), HUGE_VAL));
  }
}

TEST(MaxPool2x2, WhatIsNoNumberGoesThrough) {
  for (const auto dtype : {torch::kFloat, torch::kBFloat16}) {
    const auto x = map_of({8, 37, 6, 7}, dtype);
    for (const double share : {0.1, 0.5, 1.0})
      expect_libtorchs(
          torch::where(torch::rand(x.sizes()) < share, torch::full_like(x, std::nan("")), x)
              .contiguous(at::MemoryFormat::ChannelsLast));
  }
}

TEST(MaxPool2x2, IsTheSameAtEachLevelOfInstructions) {
  for (const auto* kernels : usable_max_pool2d_kernels())
    for (const auto dtype : {torch::kFloat, torch::kBFloat16})
      for (const int64_t chans : {5, 33, 64}) {
        const auto x = torch::round(map_of({6, chans, 11, 13}, dtype) * 2);
        const auto expected = pooled(composed_max_pool2x2, x);
        torch::manual_seed(6);
        const auto dy = torch::randn_like(expected[0]);
        const auto y = torch::empty_like(dy), dx = torch::empty_like(x);
        const auto winners = torch::empty_like(dy, torch::kByte);
        const MaxPoolPasses passes(*kernels, {6, 11, 13, chans, dtype == torch::kBFloat16});
        passes.forward(x.const_data_ptr(), y.mutable_data_ptr(),
                       winners.mutable_data_ptr<uint8_t>());
        passes.backward(dy.const_data_ptr(), winners.const_data_ptr<uint8_t>(),
                        dx.mutable_data_ptr());
        EXPECT_TRUE(torch::equal(y, expected[0])) << kernels->name << ", channels " << chans;
        EXPECT_TRUE(torch::equal(dx, expected[1])) << kernels->name << ", channels " << chans;
      }
}

TEST(MaxPool2x2, TheNumberOfThreadsChangesNothing) {
  const auto x = map_of({16, 24, 29, 28});
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const auto one = pooled(max_pool2x2, x);
  at::set_num_threads(3);
  const auto three = pooled(max_pool2x2, x);
  at::set_num_threads(threads);
  for (size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(torch::equal(one[i], three[i]));
}

TEST(MaxPool2x2, FallsBackToLibTorchsOperator) {
  const auto x = map_of({4, 6, 5, 5});
  for (const auto& other : {x.contiguous(), x.slice(3, 0, 5, 2), x.to(torch::kDouble), x[0]}) {
    EXPECT_FALSE(is_fused_max_pool2x2(other));
    EXPECT_TRUE(torch::equal(max_pool2x2(other), composed_max_pool2x2(other)));
  }
  EXPECT_FALSE(is_fused_max_pool2x2(map_of({2, 3, 1, 4})));
}

TEST(MaxPool2x2, HasTheGradientOfFiniteDifferencesInFloat64) {
  EXPECT_LT(gradient_error([](const Tensor& x) { return max_pool2x2(x); },
                           map_of({2, 3, 5, 4}).to(torch::kDouble)),
            1e-6);
}

TEST(MaxPool2x2, TakesGradientsOfOtherLayouts) {
  const auto x = map_of({3, 5, 6, 7}).requires_grad_();
  const auto y = max_pool2x2(x);
  const auto spread = torch::autograd::grad({y.sum()}, {x})[0];
  EXPECT_TRUE(torch::equal(spread, torch::autograd::grad({composed_max_pool2x2(x).sum()}, {x})[0]));
}

TEST(MaxPool2x2, ASecondDerivativeIsRefused) {
  const auto x = map_of({4, 8, 6, 6}).requires_grad_();
  const auto y = max_pool2x2(x);
  EXPECT_THROW(torch::autograd::grad({y}, {x}, {torch::ones_like(y)}, /*retain_graph=*/true,
                                     /*create_graph=*/true),
               InternalError);
}

TEST(MaxPool2x2, IsAnOperatorForWhoWatchesThem) {
  NamesOfOperators watcher;
  const runtime::OpObserver observer(watcher);
  pooled(max_pool2x2, map_of({2, 4, 3, 3}));
  for (const char* name : {"braid::max_pool2x2", "braid::max_pool2x2_backward"})
    EXPECT_EQ(std::count(watcher.names.begin(), watcher.names.end(), name), 1);
}

}  // namespace
}  // namespace braid::ops
