// GELU behind a bias against LibTorch's operators, in float64 where they compute the truth.
#include "braid/ops/bias_gelu.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "braid/core/error.h"
#include "braid/ops/token_kernels_cpu.h"
#include "tests/ops/gradient_check.h"
#include "tests/ops/operator_checks.h"

namespace braid::ops {
namespace {

using torch::Tensor;
using GeluOperator = Tensor (*)(const Tensor&, const Tensor&);

struct GeluInputs {
  Tensor x, dy, bias;
};
GeluInputs gelu_inputs(at::IntArrayRef shape) {
  torch::manual_seed(5);
  return {torch::randn(shape) * 2, torch::randn(shape), torch::randn({shape.back()})};
}

// y, dx, dbias.
std::vector<Tensor> gelu_step(GeluOperator op, const GeluInputs& in) {
  const Tensor x = in.x.detach().clone().requires_grad_();
  const Tensor bias = in.bias.detach().clone().requires_grad_();
  const Tensor y = op(x, bias);
  y.backward(in.dy);
  return {y.detach(), x.grad(), bias.grad()};
}

const std::vector<std::vector<int64_t>> kGeluShapes = {
    {4, 16, 256}, {3, 7}, {1, 1}, {700, 24}, {257, 130}};

TEST(BiasGelu, IsLibTorchsPairInFloat32) {
  for (const auto& shape : kGeluShapes) {
    const GeluInputs in = gelu_inputs(shape);
    ASSERT_TRUE(is_bias_gelu_fused(in.x, in.bias));
    const auto found = gelu_step(bias_gelu, in);
    const auto truth =
        gelu_step(composed_bias_gelu,
                  {in.x.to(torch::kDouble), in.dy.to(torch::kDouble), in.bias.to(torch::kDouble)});
    for (size_t i = 0; i < found.size(); ++i)
      EXPECT_LE(difference(found[i], truth[i]), 1e-5 * std::max(1.0, largest(truth[i])))
          << "of tensor " << i << ", shape " << at::IntArrayRef(shape);
  }
}

TEST(BiasGelu, RoundsBFloat16OnceAtTheEnd) {
  for (const auto& shape : kGeluShapes) {
    GeluInputs in = gelu_inputs(shape);
    in.x = in.x.to(torch::kBFloat16);
    in.dy = in.dy.to(torch::kBFloat16);
    const auto half = gelu_step(bias_gelu, in);
    const auto whole =
        gelu_step(bias_gelu, {in.x.to(torch::kFloat), in.dy.to(torch::kFloat), in.bias});
    for (size_t i = 0; i < 2; ++i)
      EXPECT_TRUE(torch::equal(half[i], whole[i].to(torch::kBFloat16)));
    EXPECT_TRUE(torch::equal(half[2], whole[2]));
  }
}

TEST(BiasGelu, IsTheSameAtEachLevelOfInstructions) {
  const GeluInputs in = gelu_inputs({37, 45});
  const auto run = [&](const TokenKernels& kernels) {
    const Tensor y = torch::empty_like(in.x), dx = torch::empty_like(in.x);
    const Tensor dbias = torch::empty({45});
    kernels.bias_gelu(in.x.const_data_ptr(), y.mutable_data_ptr(), 37, 45, false,
                      in.bias.const_data_ptr<float>());
    kernels.bias_gelu_backward(in.dy.const_data_ptr(), in.x.const_data_ptr(), dx.mutable_data_ptr(),
                               37, 45, false, in.bias.const_data_ptr<float>(),
                               dbias.mutable_data_ptr<float>());
    return std::vector<Tensor>{y, dx, dbias};
  };
  const auto expected = run(*usable_token_kernels().back());
  for (const auto* kernels : usable_token_kernels()) {
    const auto found = run(*kernels);
    for (size_t i = 0; i < found.size(); ++i)
      EXPECT_LE(difference(found[i], expected[i]), 1e-5 * largest(expected[i]))
          << kernels->name << ", tensor " << i;
  }
}

TEST(BiasGelu, TheNumberOfThreadsChangesNoMoreThanRounding) {
  const GeluInputs in = gelu_inputs({64, 33, 40});
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const auto one = gelu_step(bias_gelu, in);
  at::set_num_threads(3);
  const auto three = gelu_step(bias_gelu, in);
  at::set_num_threads(threads);
  for (size_t i = 0; i < one.size(); ++i)
    EXPECT_LE(difference(one[i], three[i]), 1e-5 * largest(one[i])) << "tensor " << i;
}

TEST(BiasGelu, FallsBackToLibTorchsOperators) {
  const GeluInputs in = gelu_inputs({4, 6, 8});
  const auto same = [](const Tensor& x, const Tensor& bias) {
    EXPECT_FALSE(is_bias_gelu_fused(x, bias));
    EXPECT_TRUE(torch::equal(bias_gelu(x, bias), composed_bias_gelu(x, bias)));
  };
  same(in.x.transpose(0, 1), in.bias);
  same(in.x.to(torch::kDouble), in.bias.to(torch::kDouble));
  same(in.x.to(torch::kBFloat16), in.bias.to(torch::kBFloat16));
}

TEST(BiasGelu, HasTheGradientOfFiniteDifferencesInFloat64) {
  const GeluInputs in = gelu_inputs({2, 3, 5});
  const auto bias = in.bias.to(torch::kDouble);
  EXPECT_LT(
      gradient_error([&](const Tensor& x) { return bias_gelu(x, bias); }, in.x.to(torch::kDouble)),
      1e-6);
}

TEST(BiasGelu, ASecondDerivativeIsRefused) {
  const GeluInputs in = gelu_inputs({4, 8});
  const auto x = in.x.clone().requires_grad_();
  const auto y = bias_gelu(x, in.bias);
  EXPECT_THROW(torch::autograd::grad({y}, {x}, {in.dy}, /*retain_graph=*/true,
                                     /*create_graph=*/true),
               InternalError);
}

TEST(BiasGelu, IsAnOperatorForWhoWatchesThem) {
  NamesOfOperators watcher;
  const runtime::OpObserver observer(watcher);
  gelu_step(bias_gelu, gelu_inputs({2, 4}));
  EXPECT_EQ(std::count(watcher.names.begin(), watcher.names.end(), "braid::bias_gelu"), 1);
  EXPECT_EQ(std::count(watcher.names.begin(), watcher.names.end(), "braid::bias_gelu_backward"), 1);
}

}  // namespace
}  // namespace braid::ops
