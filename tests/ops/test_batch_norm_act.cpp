// Batch norm with an activation against LibTorch's operators, in float64 where they compute the
// truth.
#include "braid/ops/batch_norm_act.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "braid/core/error.h"
#include "braid/ops/batch_norm_act_cpu.h"
#include "tests/ops/gradient_check.h"
#include "tests/ops/operator_checks.h"

namespace braid::ops {
namespace {

using torch::Tensor;

const std::vector<Activation> kActivations = {Activation::kIdentity, Activation::kRelu,
                                              Activation::kGelu, Activation::kSilu};

// All that comes out of one training step.
struct Step {
  Tensor y, dx, dweight, dbias, running_mean, running_var;
  std::vector<Tensor> all() const { return {y, dx, dweight, dbias, running_mean, running_var}; }
};

struct Inputs {
  Tensor x, dy, weight, bias;
};

Inputs inputs(at::IntArrayRef shape) {
  torch::manual_seed(3);
  const int64_t chans = shape[1];
  const auto spread = torch::rand({chans}) * 3 + 0.1, center = torch::randn({chans}) * 2;
  const auto x = torch::randn(shape) * spread.view({-1, 1, 1}) + center.view({-1, 1, 1});
  return {x.contiguous(at::MemoryFormat::ChannelsLast),
          torch::randn(shape).contiguous(at::MemoryFormat::ChannelsLast), torch::randn({chans}),
          torch::randn({chans})};
}

Inputs as(const Inputs& in, at::ScalarType dtype) {
  return {in.x.to(dtype), in.dy.to(dtype), in.weight.to(dtype), in.bias.to(dtype)};
}

using Operator = Tensor (*)(const Tensor&, const Tensor&, const Tensor&, const BatchNormStats&,
                            Activation);

Step step(Operator op, const Inputs& in, Activation activation) {
  const auto leaf = [](const Tensor& t) { return t.detach().clone().requires_grad_(); };
  const Tensor x = leaf(in.x), weight = leaf(in.weight), bias = leaf(in.bias);
  const BatchNormStats stats{.running_mean = torch::full_like(in.weight, 0.25),
                             .running_var = torch::full_like(in.weight, 2),
                             .training = true,
                             .momentum = 0.3,
                             .eps = 1e-3};
  const Tensor y = op(x, weight, bias, stats, activation);
  y.backward(in.dy);
  return {y.detach(), x.grad(), weight.grad(), bias.grad(), stats.running_mean, stats.running_var};
}

TEST(BatchNormAct, IsLibTorchsPairInFloat32) {
  // Few and many channels, odd ones, one image, maps of one pixel, several blocks and threads.
  const std::vector<std::vector<int64_t>> shapes = {
      {2, 8, 5, 7},   {3, 13, 4, 4}, {1, 64, 9, 9},  {4, 3, 6, 5},     {1, 1, 5, 5},
      {64, 24, 1, 1}, {2, 70, 3, 3}, {5, 521, 2, 2}, {48, 32, 14, 14}, {33, 7, 20, 19}};
  for (const auto& shape : shapes)
    for (const auto activation : kActivations) {
      const Inputs in = inputs(shape);
      ASSERT_TRUE(is_fused(in.x, in.weight, in.bias, {.training = true}));
      const auto found = step(batch_norm_act, in, activation).all();
      const auto truth = step(composed_batch_norm_act, as(in, torch::kDouble), activation).all();
      for (size_t i = 0; i < found.size(); ++i) {
        EXPECT_EQ(found[i].scalar_type(), torch::kFloat);
        EXPECT_LE(difference(found[i], truth[i]), 1e-5 * largest(truth[i]))
            << "of tensor " << i << ", shape " << at::IntArrayRef(shape) << ", activation "
            << static_cast<int>(activation);
      }
      EXPECT_TRUE(found[0].is_contiguous(at::MemoryFormat::ChannelsLast));
      EXPECT_TRUE(found[1].is_contiguous(at::MemoryFormat::ChannelsLast));
    }
}

TEST(BatchNormAct, RoundsBFloat16OnceAtTheEnd) {
  for (const auto& shape : std::vector<std::vector<int64_t>>{{9, 24, 8, 8}, {3, 77, 3, 5}})
    for (const auto activation : kActivations) {
      Inputs in = inputs(shape);
      in.x = in.x.to(torch::kBFloat16);
      in.dy = in.dy.to(torch::kBFloat16);
      ASSERT_TRUE(is_fused(in.x, in.weight, in.bias, {.training = true}));
      const Step half = step(batch_norm_act, in, activation);
      in.x = in.x.to(torch::kFloat);
      in.dy = in.dy.to(torch::kFloat);
      const Step whole = step(batch_norm_act, in, activation);
      EXPECT_EQ(half.y.scalar_type(), torch::kBFloat16);
      EXPECT_TRUE(torch::equal(half.y, whole.y.to(torch::kBFloat16)));
      EXPECT_TRUE(torch::equal(half.dx, whole.dx.to(torch::kBFloat16)));
      EXPECT_TRUE(torch::equal(half.dweight, whole.dweight));
      EXPECT_TRUE(torch::equal(half.dbias, whole.dbias));
      EXPECT_TRUE(torch::equal(half.running_var, whole.running_var));
    }
}

TEST(BatchNormAct, IsTheSameAtEachLevelOfInstructions) {
  for (const auto* kernels : usable_batch_norm_act_kernels())
    for (const auto dtype : {torch::kFloat, torch::kBFloat16})
      for (const int64_t chans : {5, 33, 64}) {
        Inputs in = inputs({6, chans, 11, 13});
        in.x = in.x.to(dtype);
        in.dy = in.dy.to(dtype);
        const BatchNormActPasses passes(*kernels,
                                        {in.x.numel() / chans, chans, dtype == torch::kBFloat16});
        const BatchNormActPasses baseline(*usable_batch_norm_act_kernels().back(),
                                          {in.x.numel() / chans, chans, dtype == torch::kBFloat16});
        const auto mean = in.x.to(torch::kFloat).mean({0, 2, 3});
        const Affine affine{mean.const_data_ptr<float>(), in.weight.const_data_ptr<float>(),
                            in.bias.const_data_ptr<float>()};
        const auto count = static_cast<size_t>(chans);
        const auto run = [&](const BatchNormActPasses& p, Activation activation) {
          const auto moments = p.moments(in.x.const_data_ptr());
          const auto y = torch::empty_like(in.x), dx = torch::empty_like(in.x);
          std::vector<double> sums(count), products(count);
          p.apply(in.x.const_data_ptr(), y.mutable_data_ptr(), affine, activation);
          p.reduce(in.dy.const_data_ptr(), in.x.const_data_ptr(), affine, activation, sums.data(),
                   products.data());
          p.gradient(in.dy.const_data_ptr(), in.x.const_data_ptr(), dx.mutable_data_ptr(), affine,
                     activation, affine.scale, affine.bias);
          return std::vector<Tensor>{
              torch::tensor(moments.mean), torch::tensor(moments.variance), y,
              torch::tensor(sums),         torch::tensor(products),         dx};
        };
        for (const auto activation : kActivations) {
          const auto found = run(passes, activation), expected = run(baseline, activation);
          for (size_t i = 0; i < found.size(); ++i)
            EXPECT_LT(
                difference(found[i], expected[i]),
                (found[i].scalar_type() == torch::kBFloat16 ? 1e-2 : 1e-5) * largest(expected[i]))
                << kernels->name << ", tensor " << i << ", channels " << chans;
        }
      }
}

// The variance of a channel, as LibTorch and the fused operator leave it.
void expect_variances_as_good(const Tensor& x) {
  const auto truth = x.to(torch::kDouble).var({0, 2, 3}, /*unbiased=*/true);
  const auto variance = [&](Operator op) {
    const BatchNormStats stats{.running_mean = torch::zeros({x.size(1)}),
                               .running_var = torch::zeros({x.size(1)}),
                               .training = true,
                               .momentum = 1};
    op(x, torch::ones({x.size(1)}), torch::zeros({x.size(1)}), stats, Activation::kIdentity);
    return stats.running_var;
  };
  const auto fused = ((variance(batch_norm_act) - truth) / truth).abs();
  const auto composed = ((variance(composed_batch_norm_act) - truth) / truth).abs();
  EXPECT_LE(largest(fused), std::max(1e-6, largest(composed)));
}

TEST(BatchNormAct, VariancesAreAsGoodAsLibTorchsFarFromZero) {
  torch::manual_seed(4);
  const auto noise = torch::randn({32, 16, 24, 24}).contiguous(at::MemoryFormat::ChannelsLast);
  expect_variances_as_good(noise);
  expect_variances_as_good(noise + 1000);
  // Images unlike the others at the beginning and at the end.
  auto shifted = noise * 0.01 + 100;
  shifted.narrow(0, 0, 1).fill_(0);
  expect_variances_as_good(shifted);
  shifted.narrow(0, 31, 1).fill_(-5000);
  expect_variances_as_good(shifted);
  // Every image with a mean of its own.
  expect_variances_as_good(noise + torch::randn({32, 1, 1, 1}) * 300);
}

TEST(BatchNormAct, TheNumberOfThreadsChangesNoMoreThanRounding) {
  const Inputs in = inputs({16, 24, 28, 28});
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const auto one = step(batch_norm_act, in, Activation::kSilu).all();
  at::set_num_threads(3);
  const auto three = step(batch_norm_act, in, Activation::kSilu).all();
  at::set_num_threads(threads);
  for (size_t i = 0; i < one.size(); ++i)
    EXPECT_LT(difference(one[i], three[i]), 1e-5 * largest(one[i])) << "tensor " << i;
}

TEST(BatchNormAct, FallsBackToLibTorchsOperators) {
  const Inputs in = inputs({4, 6, 5, 5});
  const auto same = [&](const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const BatchNormStats& stats) {
    EXPECT_FALSE(is_fused(x, weight, bias, stats));
    for (const auto activation : kActivations)
      EXPECT_TRUE(torch::equal(batch_norm_act(x, weight, bias, stats, activation),
                               composed_batch_norm_act(x, weight, bias, stats, activation)));
  };
  const BatchNormStats training{.training = true};
  same(in.x, in.weight, in.bias,
       {.running_mean = torch::zeros({6}), .running_var = torch::ones({6})});
  same(in.x.contiguous(), in.weight, in.bias, training);
  same(in.x.slice(3, 0, 5, 2), in.weight, in.bias, training);
  same(in.x.view({4, 6, 25}).contiguous(), in.weight, in.bias, training);
  same(in.x, {}, {}, training);
  const Inputs twice = as(in, torch::kDouble);
  same(twice.x, twice.weight, twice.bias, training);
  EXPECT_FALSE(is_fused(in.x, in.weight.to(torch::kBFloat16), in.bias, training));
}

TEST(BatchNormAct, HasTheGradientOfFiniteDifferencesInFloat64) {
  const Inputs in = as(inputs({2, 3, 3, 2}), torch::kDouble);
  for (const auto activation : kActivations)
    EXPECT_LT(gradient_error(
                  [&](const Tensor& x) {
                    return batch_norm_act(x, in.weight, in.bias, {.training = true}, activation);
                  },
                  in.x),
              1e-6);
}

TEST(BatchNormAct, ComputesNoGradientThatNobodyAsksFor) {
  const Inputs in = inputs({4, 8, 6, 6});
  const auto weight = in.weight.clone().requires_grad_();
  const auto y = batch_norm_act(in.x, weight, in.bias, {.training = true}, Activation::kRelu);
  y.backward(in.dy);
  const auto again = weight.clone().detach().requires_grad_();
  composed_batch_norm_act(in.x, again, in.bias, {.training = true}, Activation::kRelu)
      .backward(in.dy);
  EXPECT_LT(difference(weight.grad(), again.grad()), 1e-5 * largest(again.grad()));
  const torch::NoGradGuard no_grad;
  EXPECT_FALSE(
      batch_norm_act(in.x, weight, in.bias, {.training = true}, Activation::kRelu).requires_grad());
}

TEST(BatchNormAct, ASecondDerivativeIsRefused) {
  const Inputs in = inputs({4, 8, 6, 6});
  const auto x = in.x.clone().requires_grad_();
  const auto y = batch_norm_act(x, in.weight, in.bias, {.training = true}, Activation::kSilu);
  EXPECT_THROW(torch::autograd::grad({y}, {x}, {in.dy}, /*retain_graph=*/true,
                                     /*create_graph=*/true),
               InternalError);
}

TEST(BatchNormAct, WhatIsNoNumberStaysInItsChannel) {
  Inputs in = inputs({2, 5, 4, 4});
  in.x[1][2][3][0] = std::nanf("");
  for (const auto activation : kActivations)
    for (const auto& t :
         {step(batch_norm_act, in, activation).y, step(batch_norm_act, in, activation).dx}) {
      EXPECT_TRUE(t.select(1, 2).isnan().all().item<bool>());
      EXPECT_EQ(t.isnan().sum().item<int64_t>(), 32);
    }
}

TEST(BatchNormAct, IsAnOperatorForWhoWatchesThem) {
  const Inputs in = inputs({2, 4, 3, 3});
  NamesOfOperators watcher;
  const runtime::OpObserver observer(watcher);
  step(batch_norm_act, in, Activation::kRelu);
  EXPECT_EQ(std::count(watcher.names.begin(), watcher.names.end(), "braid::batch_norm_act"), 1);
  EXPECT_EQ(
      std::count(watcher.names.begin(), watcher.names.end(), "braid::batch_norm_act_backward"), 1);
}

}  // namespace
}  // namespace braid::ops
