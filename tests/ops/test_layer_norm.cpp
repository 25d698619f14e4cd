// Layer norm against LibTorch's operators, in float64 where they compute the truth.
#include "braid/ops/layer_norm.h"

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

constexpr double kNormEps = 1e-5;

struct NormInputs {
  Tensor x, dy, weight, bias;
  NormInputs as(at::ScalarType type) const {
    return {x.to(type), dy.to(type), weight.to(type), bias.to(type)};
  }
};

NormInputs norm_inputs(at::IntArrayRef shape) {
  torch::manual_seed(3);
  const int64_t width = shape.back();
  return {torch::randn(shape) * 2 + torch::randn({width}) + 1, torch::randn(shape),
          torch::randn({width}), torch::randn({width})};
}

using NormOperator = Tensor (*)(const Tensor&, const Tensor&, const Tensor&, double,
                                at::ScalarType);

// y, dx, dweight, dbias.
std::vector<Tensor> norm_step(NormOperator op, const NormInputs& in, at::ScalarType out) {
  const auto leaf = [](const Tensor& t) { return t.detach().clone().requires_grad_(); };
  const Tensor x = leaf(in.x), weight = leaf(in.weight), bias = leaf(in.bias);
  const Tensor y = op(x, weight, bias, kNormEps, out);
  y.backward(in.dy.to(out));
  return {y.detach(), x.grad(), weight.grad(), bias.grad()};
}

const std::vector<std::vector<int64_t>> kNormShapes = {{4, 16, 128}, {3, 7},    {1, 1, 1}, {5, 33},
                                                       {2, 3, 96},   {700, 24}, {257, 130}};

TEST(LayerNorm, IsLibTorchsInFloat32) {
  for (const auto& shape : kNormShapes) {
    const NormInputs in = norm_inputs(shape);
    ASSERT_TRUE(is_layer_norm_fused(in.x, in.weight, in.bias, torch::kFloat));
    const auto found = norm_step(layer_norm, in, torch::kFloat);
    const auto truth = norm_step(composed_layer_norm, in.as(torch::kDouble), torch::kDouble);
    for (size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i].scalar_type(), torch::kFloat);
      EXPECT_LE(difference(found[i], truth[i]), 1e-5 * std::max(1.0, largest(truth[i])))
          << "of tensor " << i << ", shape " << at::IntArrayRef(shape);
    }
  }
}

TEST(LayerNorm, RoundsBFloat16OnceAtTheEnd) {
  for (const auto type : {torch::kFloat, torch::kBFloat16})
    for (const auto& shape : kNormShapes) {
      NormInputs in = norm_inputs(shape);
      in.x = in.x.to(type);
      in.dy = in.dy.to(torch::kBFloat16);
      const auto half = norm_step(layer_norm, in, torch::kBFloat16);
      in.x = in.x.to(torch::kFloat);
      const auto whole = norm_step(layer_norm, in, torch::kFloat);
      EXPECT_TRUE(half[0].to(torch::kFloat).allclose(whole[0], /*rtol=*/0.004, /*atol=*/1e-6));
      EXPECT_EQ(half[1].scalar_type(), type);
      EXPECT_TRUE(torch::equal(half[1], whole[1].to(type)));
      EXPECT_TRUE(torch::equal(half[2], whole[2]));
      EXPECT_TRUE(torch::equal(half[3], whole[3]));
    }
}

TEST(LayerNorm, IsTheSameAtEachLevelOfInstructions) {
  const NormInputs in = norm_inputs({37, 45});
  const NormRows shape{37, 45, false, false};
  const auto run = [&](const TokenKernels& kernels) {
    const Tensor y = torch::empty_like(in.x), dx = torch::empty_like(in.x);
    const Tensor mean = torch::empty({37}), rstd = torch::empty({37});
    const Tensor dweight = torch::empty({45}), dbias = torch::empty({45});
    kernels.layer_norm(in.x.const_data_ptr(), y.mutable_data_ptr(), shape,
                       in.weight.const_data_ptr<float>(), in.bias.const_data_ptr<float>(), 1e-5F,
                       mean.mutable_data_ptr<float>(), rstd.mutable_data_ptr<float>());
    kernels.layer_norm_backward(in.dy.const_data_ptr(), in.x.const_data_ptr(),
                                dx.mutable_data_ptr(), shape, in.weight.const_data_ptr<float>(),
                                mean.const_data_ptr<float>(), rstd.const_data_ptr<float>(),
                                dweight.mutable_data_ptr<float>(), dbias.mutable_data_ptr<float>());
    return std::vector<Tensor>{y, dx, mean, rstd, dweight, dbias};
  };
  const auto expected = run(*usable_token_kernels().back());
  for (const auto* kernels : usable_token_kernels()) {
    const auto found = run(*kernels);
    for (size_t i = 0; i < found.size(); ++i)
      EXPECT_LE(difference(found[i], expected[i]), 1e-5 * largest(expected[i]))
          << kernels->name << ", tensor " << i;
  }
}

TEST(LayerNorm, TheNumberOfThreadsChangesNoMoreThanRounding) {
  const NormInputs in = norm_inputs({64, 33, 40});
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const auto one = norm_step(layer_norm, in, torch::kFloat);
  at::set_num_threads(3);
  const auto three = norm_step(layer_norm, in, torch::kFloat);
  at::set_num_threads(threads);
  for (size_t i = 0; i < one.size(); ++i)
    EXPECT_LE(difference(one[i], three[i]), 1e-5 * largest(one[i])) << "tensor " << i;
}

TEST(LayerNorm, FallsBackToLibTorchsOperators) {
  const NormInputs in = norm_inputs({4, 6, 8});
  const auto same = [](const Tensor& x, const Tensor& weight, const Tensor& bias,
                       at::ScalarType out) {
    EXPECT_FALSE(is_layer_norm_fused(x, weight, bias, out));
    EXPECT_TRUE(torch::equal(layer_norm(x, weight, bias, kNormEps, out),
                             composed_layer_norm(x, weight, bias, kNormEps, out)));
  };
  same(in.x.transpose(0, 1), in.weight, in.bias, torch::kFloat);
  same(in.x, in.weight, {}, torch::kFloat);
  const NormInputs twice = in.as(torch::kDouble);
  same(twice.x, twice.weight, twice.bias, torch::kDouble);
}

TEST(LayerNorm, HasTheGradientOfFiniteDifferencesInFloat64) {
  const NormInputs in = norm_inputs({2, 3, 5}).as(torch::kDouble);
  EXPECT_LT(gradient_error(
                [&](const Tensor& x) {
                  return layer_norm(x, in.weight, in.bias, kNormEps, torch::kDouble);
                },
                in.x),
            1e-6);
}

TEST(LayerNorm, ComputesNoGradientThatNobodyAsksFor) {
  const NormInputs in = norm_inputs({6, 20});
  const auto truth = norm_step(composed_layer_norm, in, torch::kFloat);
  const auto weight = in.weight.clone().requires_grad_();
  layer_norm(in.x, weight, in.bias, kNormEps, torch::kFloat).backward(in.dy);
  EXPECT_LT(difference(weight.grad(), truth[2]), 1e-5 * largest(truth[2]));
  const auto x = in.x.clone().requires_grad_();
  layer_norm(x, in.weight, in.bias, kNormEps, torch::kFloat).backward(in.dy);
  EXPECT_LT(difference(x.grad(), truth[1]), 1e-5 * largest(truth[1]));
}

TEST(LayerNorm, ASecondDerivativeIsRefused) {
  const NormInputs in = norm_inputs({4, 8});
  const auto x = in.x.clone().requires_grad_();
  const auto y = layer_norm(x, in.weight, in.bias, kNormEps, torch::kFloat);
  EXPECT_THROW(torch::autograd::grad({y}, {x}, {in.dy}, /*retain_graph=*/true,
                                     /*create_graph=*/true),
               InternalError);
}

TEST(LayerNorm, IsAnOperatorForWhoWatchesThem) {
  NamesOfOperators watcher;
  const runtime::OpObserver observer(watcher);
  norm_step(layer_norm, norm_inputs({2, 4}), torch::kFloat);
  EXPECT_EQ(std::count(watcher.names.begin(), watcher.names.end(), "braid::layer_norm"), 1);
  EXPECT_EQ(std::count(watcher.names.begin(), watcher.names.end(), "braid::layer_norm_backward"),
            1);
}

}  // namespace
}  // namespace braid::ops
