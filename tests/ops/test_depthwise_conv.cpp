// Depthwise convolution against LibTorch's in float64, which computes the truth.
#include "braid/ops/depthwise_conv.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <ostream>
#include <vector>

#include "braid/core/error.h"
#include "braid/ops/depthwise_conv_cpu.h"
#include "tests/ops/gradient_check.h"
#include "tests/ops/operator_checks.h"

namespace braid::ops {
namespace {

using torch::Tensor;

struct ConvCase {
  std::vector<int64_t> shape;
  int64_t kernel = 3, stride = 1, padding = 1;
};

std::ostream& operator<<(std::ostream& out, const ConvCase& c) {
  return out << at::IntArrayRef(c.shape) << ", kernel " << c.kernel << ", stride " << c.stride
             << ", padding " << c.padding;
}

// Few and many channels, odd ones; maps of one pixel, smaller than the kernel, of odd and even
// sides; rows that are computed in several segments; several images for a thread and threads for an
// image.
const std::vector<ConvCase> kCases = {{{2, 8, 5, 7}},
                                      {{3, 13, 4, 4}},
                                      {{1, 64, 9, 9}, 3, 2},
                                      {{2, 3, 8, 9}, 3, 2},
                                      {{2, 24, 2, 3}, 7, 1, 3},
                                      {{2, 24, 2, 3}, 7, 2, 3},
                                      {{4, 40, 1, 1}, 3, 1, 1},
                                      {{4, 40, 1, 1}, 5, 2, 2},
                                      {{1, 17, 1, 20}, 5, 1, 2},
                                      {{2, 70, 11, 6}, 5, 2, 2},
                                      {{2, 21, 12, 13}, 7, 2, 3},
                                      {{2, 33, 9, 8}, 3, 1, 0},
                                      {{2, 33, 9, 8}, 3, 2, 0},
                                      {{2, 16, 7, 7}, 5, 1, 4},
                                      {{2, 16, 7, 6}, 5, 2, 3},
                                      {{1, 521, 4, 4}, 3, 1, 1},
                                      {{1, 320, 4, 100}, 7, 1, 3},
                                      {{1, 320, 4, 100}, 5, 2, 2},
                                      {{1, 320, 4, 101}, 3, 2, 1},
                                      {{24, 32, 14, 14}, 3, 1, 1}};

struct ConvInputs {
  Tensor x, weight, bias, dy;
};

DepthwiseConvOptions options_of(const ConvCase& c) {
  return {.stride = c.stride, .padding = c.padding};
}

ConvInputs conv_inputs(const ConvCase& c) {
  torch::manual_seed(3);
  const int64_t chans = c.shape[1];
  const auto side = [&](int64_t pixels) {
    return (pixels + 2 * c.padding - c.kernel) / c.stride + 1;
  };
  return {torch::randn(c.shape).contiguous(at::MemoryFormat::ChannelsLast),
          torch::randn({chans, 1, c.kernel, c.kernel}), torch::randn({chans}),
          torch::randn({c.shape[0], chans, side(c.shape[2]), side(c.shape[3])})
              .contiguous(at::MemoryFormat::ChannelsLast)};
}

ConvInputs as_type(const ConvInputs& in, at::ScalarType dtype) {
  return {in.x.to(dtype), in.weight.to(dtype), in.bias.to(dtype), in.dy.to(dtype)};
}

using Convolution = Tensor (*)(const Tensor&, const Tensor&, const Tensor&,
                               const DepthwiseConvOptions&);

// y and the gradients of x, weight and bias.
std::vector<Tensor> conv_step(Convolution op, const ConvInputs& in,
                              const DepthwiseConvOptions& options) {
  const auto leaf = [](const Tensor& t) { return t.detach().clone().requires_grad_(); };
  const Tensor x = leaf(in.x), weight = leaf(in.weight), bias = leaf(in.bias);
  const Tensor y = op(x, weight, bias, options);
  y.backward(in.dy);
  return {y.detach(), x.grad(), weight.grad(), bias.grad()};
}

// As the definition has it.
Tensor naive(const ConvInputs& in, const ConvCase& c) {
  Tensor y = torch::zeros_like(in.dy, torch::kDouble);
  const Tensor x = in.x.to(torch::kDouble).contiguous(), weight = in.weight.to(torch::kDouble);
  const auto from = x.accessor<double, 4>(), w = weight.accessor<double, 4>();
  auto to = y.accessor<double, 4>();
  for (int64_t b = 0; b < y.size(0); ++b)
    for (int64_t chan = 0; chan < y.size(1); ++chan)
      for (int64_t i = 0; i < y.size(2); ++i)
        for (int64_t j = 0; j < y.size(3); ++j) {
          double sum = in.bias[chan].item<double>();
          for (int64_t m = 0; m < c.kernel; ++m)
            for (int64_t n = 0; n < c.kernel; ++n) {
              const int64_t row = i * c.stride - c.padding + m;
              const int64_t column = j * c.stride - c.padding + n;
              if (row >= 0 && row < x.size(2) && column >= 0 && column < x.size(3))
                sum += from[b][chan][row][column] * w[chan][0][m][n];
            }
          to[b][chan][i][j] = sum;
        }
  return y;
}

TEST(DepthwiseConv, IsItsDefinition) {
  for (const ConvCase& c :
       std::vector<ConvCase>{{{2, 19, 5, 6}, 3, 1, 1}, {{1, 5, 6, 9}, 5, 2, 1}}) {
    const ConvInputs in = conv_inputs(c);
    EXPECT_LT(difference(depthwise_conv2d(in.x, in.weight, in.bias, options_of(c)), naive(in, c)),
              1e-5 * largest(naive(in, c)))
        << c;
  }
}

TEST(DepthwiseConv, IsLibTorchsInFloat32) {
  for (const ConvCase& c : kCases) {
    const ConvInputs in = conv_inputs(c);
    ASSERT_TRUE(is_fused(in.x, in.weight, in.bias, options_of(c))) << c;
    const auto found = conv_step(depthwise_conv2d, in, options_of(c));
    const auto truth =
        conv_step(composed_depthwise_conv2d, as_type(in, torch::kDouble), options_of(c));
    for (size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i].scalar_type(), torch::kFloat);
      EXPECT_LE(difference(found[i], truth[i]), 1e-5 * largest(truth[i]))
          << "tensor " << i << " of " << c;
    }
    EXPECT_TRUE(found[0].is_contiguous(at::MemoryFormat::ChannelsLast));
    EXPECT_TRUE(found[1].is_contiguous(at::MemoryFormat::ChannelsLast));
  }
}

TEST(DepthwiseConv, NeedsNoBias) {
  const ConvCase c{{2, 20, 6, 5}, 5, 1, 2};
  const ConvInputs in = conv_inputs(c);
  const auto weight = in.weight.clone().requires_grad_();
  const auto y = depthwise_conv2d(in.x, weight, {}, options_of(c));
  EXPECT_LT(difference(y, composed_depthwise_conv2d(in.x, in.weight, {}, options_of(c))), 1e-4);
  y.backward(in.dy);
  const auto truth = conv_step(composed_depthwise_conv2d, in, options_of(c));
  EXPECT_LT(difference(weight.grad(), truth[2]), 1e-5 * largest(truth[2]));
}

TEST(DepthwiseConv, RoundsBFloat16OnceAtTheEnd) {
  for (const ConvCase& c : kCases) {
    ConvInputs in = conv_inputs(c);
    in.x = in.x.to(torch::kBFloat16);
    in.dy = in.dy.to(torch::kBFloat16);
    ASSERT_TRUE(is_fused(in.x, in.weight, in.bias, options_of(c)));
    const auto half = conv_step(depthwise_conv2d, in, options_of(c));
    in.x = in.x.to(torch::kFloat);
    in.dy = in.dy.to(torch::kFloat);
    const auto whole = conv_step(depthwise_conv2d, in, options_of(c));
    for (size_t i = 0; i < half.size(); ++i) {
      EXPECT_EQ(half[i].scalar_type(), i < 2 ? torch::kBFloat16 : torch::kFloat);
      EXPECT_TRUE(torch::equal(half[i], whole[i].to(half[i].scalar_type())))
          << "tensor " << i << " of " << c;
    }
  }
}

TEST(DepthwiseConv, IsTheSameAtEachLevelOfInstructions) {
  for (const auto* kernels : usable_depthwise_conv_kernels())
    for (const auto dtype : {torch::kFloat, torch::kBFloat16})
      for (const ConvCase& c : kCases) {
        const ConvInputs in = conv_inputs(c);
        const Tensor x = in.x.to(dtype), dy = in.dy.to(dtype);
        const DepthwiseShape shape{.x = {x.size(0), x.size(2), x.size(3)},
                                   .y = {dy.size(0), dy.size(2), dy.size(3)},
                                   .chans = x.size(1),
                                   .kernel = c.kernel,
                                   .stride = c.stride,
                                   .padding = c.padding,
                                   .bfloat16 = dtype == torch::kBFloat16};
        const auto run = [&](const DepthwiseConvKernels& level) {
          const DepthwiseConvPasses passes(level, shape);
          const Tensor y = torch::empty_like(dy), dx = torch::empty_like(x);
          const Tensor dweight = torch::empty_like(in.weight), dbias = torch::empty_like(in.bias);
          const auto* weight = in.weight.const_data_ptr<float>();
          passes.forward(x.const_data_ptr(), weight, in.bias.const_data_ptr<float>(),
                         y.mutable_data_ptr());
          passes.gradient(dy.const_data_ptr(), weight, dx.mutable_data_ptr());
          passes.weight_gradient(dy.const_data_ptr(), x.const_data_ptr(),
                                 dweight.mutable_data_ptr<float>(),
                                 dbias.mutable_data_ptr<float>());
          return std::vector<Tensor>{y, dx, dweight, dbias};
        };
        const auto found = run(*kernels), expected = run(*usable_depthwise_conv_kernels().back());
        for (size_t i = 0; i < found.size(); ++i)
          EXPECT_LE(
              difference(found[i], expected[i]),
              (found[i].scalar_type() == torch::kBFloat16 ? 1e-2 : 1e-5) * largest(expected[i]))
              << kernels->name << ", tensor " << i << " of " << c;
      }
}

TEST(DepthwiseConv, TheNumberOfThreadsChangesTheWeightsRoundingAlone) {
  const ConvCase c{{5, 48, 29, 28}, 3, 1, 1};
  const ConvInputs in = conv_inputs(c);
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const auto one = conv_step(depthwise_conv2d, in, options_of(c));
  at::set_num_threads(3);
  const auto three = conv_step(depthwise_conv2d, in, options_of(c));
  const auto again = conv_step(depthwise_conv2d, in, options_of(c));
  at::set_num_threads(threads);
  EXPECT_TRUE(torch::equal(one[0], three[0]));
  EXPECT_TRUE(torch::equal(one[1], three[1]));
  for (size_t i = 2; i < one.size(); ++i)
    EXPECT_LT(difference(one[i], three[i]), 1e-5 * largest(one[i])) << "tensor " << i;
  for (size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(torch::equal(again[i], three[i]));
}

// A million terms of one sign.
TEST(DepthwiseConv, SumsOfWeightsLoseNothingOverManyPixels) {
  const ConvCase c{{16, 16, 250, 256}, 3, 1, 1};
  const Tensor x = torch::full(c.shape, 1.1).contiguous(at::MemoryFormat::ChannelsLast);
  const auto weight = torch::ones({16, 1, 3, 3}).requires_grad_();
  const auto y = depthwise_conv2d(x, weight, {}, options_of(c));
  y.backward(torch::full_like(y, 0.1));
  const double terms = 16 * 250 * 256;  // of the tap in the middle
  const double product = static_cast<double>(1.1f) * static_cast<double>(0.1f);
  EXPECT_NEAR(weight.grad()[0][0][1][1].item<double>() / (terms * product), 1, 3e-5);
}

TEST(DepthwiseConv, FallsBackToLibTorchsOperator) {
  const ConvCase c{{2, 6, 9, 9}, 3, 1, 1};
  const ConvInputs in = conv_inputs(c);
  const auto same = [](const Tensor& x, const Tensor& weight, const Tensor& bias,
                       const DepthwiseConvOptions& options) {
    EXPECT_FALSE(is_fused(x, weight, bias, options));
    EXPECT_TRUE(torch::equal(depthwise_conv2d(x, weight, bias, options),
                             composed_depthwise_conv2d(x, weight, bias, options)));
  };
  same(in.x.contiguous(), in.weight, in.bias, options_of(c));
  same(in.x.slice(3, 0, 9, 2), in.weight, in.bias, options_of(c));
  same(in.x.slice(1, 0, 3), in.weight.slice(0, 0, 3), {}, options_of(c));
  same(in.x, in.weight, in.bias, {.stride = 3, .padding = 1});
  same(in.x, in.weight, in.bias, {.stride = 1, .padding = 3});
  same(in.x, torch::randn({6, 1, 9, 9}), in.bias, {.stride = 1, .padding = 4});
  same(in.x, torch::randn({6, 1, 3, 5}), in.bias, options_of(c));
  same(in.x, torch::randn({12, 1, 3, 3}), {}, options_of(c));
  same(in.x.slice(0, 0, 0), in.weight, in.bias, options_of(c));
  const ConvInputs twice = as_type(in, torch::kDouble);
  same(twice.x, twice.weight, twice.bias, options_of(c));
  EXPECT_FALSE(is_fused(in.x, in.weight.to(torch::kBFloat16), {}, options_of(c)));
  EXPECT_FALSE(is_fused(in.x.slice(2, 0, 2), in.weight, {}, {.stride = 1, .padding = 0}));
}

TEST(DepthwiseConv, HasTheGradientOfFiniteDifferencesInFloat64) {
  const ConvCase c{{2, 3, 4, 5}, 3, 2, 1};
  const ConvInputs in = as_type(conv_inputs(c), torch::kDouble);
  EXPECT_LT(
      gradient_error(
          [&](const Tensor& x) { return depthwise_conv2d(x, in.weight, in.bias, options_of(c)); },
          in.x),
      1e-6);
}

TEST(DepthwiseConv, ComputesNoGradientThatNobodyAsksFor) {
  const ConvCase c{{2, 20, 6, 5}, 3, 2, 1};
  const ConvInputs in = conv_inputs(c);
  const auto truth = conv_step(composed_depthwise_conv2d, in, options_of(c));
  const auto x = in.x.clone().requires_grad_();
  depthwise_conv2d(x, in.weight, in.bias, options_of(c)).backward(in.dy);
  EXPECT_LT(difference(x.grad(), truth[1]), 1e-5 * largest(truth[1]));
  const auto bias = in.bias.clone().requires_grad_();
  depthwise_conv2d(in.x, in.weight, bias, options_of(c)).backward(in.dy);
  EXPECT_LT(difference(bias.grad(), truth[3]), 1e-5 * largest(truth[3]));
  const torch::NoGradGuard no_grad;
  EXPECT_FALSE(depthwise_conv2d(x, in.weight, bias, options_of(c)).requires_grad());
}

TEST(DepthwiseConv, ASecondDerivativeIsRefused) {
  const ConvCase c{{2, 8, 5, 5}, 3, 1, 1};
  const ConvInputs in = conv_inputs(c);
  const auto x = in.x.clone().requires_grad_();
  const auto y = depthwise_conv2d(x, in.weight, in.bias, options_of(c));
  EXPECT_THROW(torch::autograd::grad({y}, {x}, {in.dy}, /*retain_graph=*/true,
                                     /*create_graph=*/true),
               InternalError);
}

TEST(DepthwiseConv, WhatIsNoNumberStaysInItsWindow) {
  const ConvCase c{{2, 21, 8, 8}, 3, 1, 1};
  ConvInputs in = conv_inputs(c);
  in.x[1][20][0][4] = std::nanf("");
  const auto found = conv_step(depthwise_conv2d, in, options_of(c));
  EXPECT_EQ(found[0].isnan().sum().item<int64_t>(), 6);
  EXPECT_TRUE(found[0][1][20].slice(0, 0, 2).slice(1, 3, 6).isnan().all().item<bool>());
  EXPECT_FALSE(found[1].isnan().any().item<bool>());
  EXPECT_TRUE(found[2][20].isnan().any().item<bool>());
  EXPECT_FALSE(found[2].slice(0, 0, 20).isnan().any().item<bool>());
}

TEST(DepthwiseConv, IsAnOperatorForWhoWatchesThem) {
  const ConvCase c{{2, 4, 5, 5}, 3, 1, 1};
  NamesOfOperators watcher;
  const runtime::OpObserver observer(watcher);
  conv_step(depthwise_conv2d, conv_inputs(c), options_of(c));
  const auto count = [&](const char* name) {
    return std::count(watcher.names.begin(), watcher.names.end(), name);
  };
  EXPECT_EQ(count("braid::depthwise_conv2d"), 1);
  EXPECT_EQ(count("braid::depthwise_conv2d_backward"), 1);
}

}  // namespace
}  // namespace braid::ops
