// A product with a bias in bfloat16 against LibTorch's operators, in float64 where they compute the
// truth.
#include "braid/ops/linear.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "braid/core/cpu.h"
#include "braid/core/error.h"
#include "braid/ops/token_kernels_cpu.h"
#include "tests/ops/gradient_check.h"
#include "tests/ops/operator_checks.h"

namespace braid::ops {
namespace {

using torch::Tensor;
using LinearOperator = Tensor (*)(const Tensor&, const Tensor&, const Tensor&);

struct LinearInputs {
  Tensor x, weight, bias, dy;
};
LinearInputs linear_inputs(at::IntArrayRef rows, int64_t in, int64_t out) {
  torch::manual_seed(6);
  auto of_x = rows.vec(), of_y = rows.vec();
  of_x.push_back(in), of_y.push_back(out);
  return {torch::randn(of_x).to(torch::kBFloat16),
          (torch::randn({out, in}) / std::sqrt(static_cast<double>(in))).to(torch::kBFloat16),
          torch::randn({out}), torch::randn(of_y).to(torch::kBFloat16)};
}

// y, dx, dweight, dbias.
std::vector<Tensor> linear_step(LinearOperator op, const LinearInputs& in, bool in_float64) {
  const auto leaf = [&](const Tensor& t) {
    return (in_float64 ? t.to(torch::kDouble) : t).detach().clone().requires_grad_();
  };
  const Tensor x = leaf(in.x), weight = leaf(in.weight), bias = leaf(in.bias);
  const Tensor y = op(x, weight, bias);
  y.backward(in_float64 ? in.dy.to(torch::kDouble) : in.dy);
  return {y.detach(), x.grad(), weight.grad(), bias.grad()};
}

TEST(Linear, RoundsOnceTheTruth) {
  if (!cpu_has_bf16_matrix()) GTEST_SKIP() << "a processor without products in bfloat16";
  for (const auto& rows : std::vector<std::vector<int64_t>>{{5}, {4, 9}, {2, 3, 7}, {600}})
    for (const auto& [in, out] : {std::pair<int64_t, int64_t>{128, 384}, {24, 40}, {7, 3}}) {
      const LinearInputs inputs = linear_inputs(rows, in, out);
      ASSERT_TRUE(is_linear_fused(inputs.x, inputs.weight, inputs.bias));
      const auto found = linear_step(linear, inputs, false);
      const auto truth = linear_step(composed_linear, inputs, true);
      for (size_t i = 0; i < found.size(); ++i) {
        EXPECT_EQ(found[i].sizes(), truth[i].sizes());
        EXPECT_LE(difference(found[i], truth[i]), 0.006 * largest(truth[i])) << "of tensor " << i;
      }
      EXPECT_EQ(found[3].scalar_type(), torch::kFloat);
      EXPECT_LE(difference(found[3], truth[3]), 1e-5 * std::max(1.0, largest(truth[3])));
    }
}

TEST(Linear, SumsColumnsAtEachLevelOfInstructions) {
  const auto x = torch::randn({37, 45});
  for (const auto* kernels : usable_token_kernels())
    for (const auto type : {torch::kFloat, torch::kBFloat16}) {
      const auto typed = x.to(type);
      const auto sums = torch::empty({45});
      kernels->column_sums(typed.const_data_ptr(), 37, 45, type == torch::kBFloat16,
                           sums.mutable_data_ptr<float>());
      EXPECT_LE(difference(sums, typed.to(torch::kDouble).sum(0)), 1e-5) << kernels->name;
    }
}

TEST(Linear, FallsBackToLibTorchsOperator) {
  const LinearInputs in = linear_inputs({4, 6}, 8, 10);
  const auto same = [](const Tensor& x, const Tensor& weight, const Tensor& bias) {
    EXPECT_FALSE(is_linear_fused(x, weight, bias));
    EXPECT_TRUE(torch::equal(linear(x, weight, bias), composed_linear(x, weight, bias)));
  };
  same(in.x.to(torch::kFloat), in.weight.to(torch::kFloat), in.bias);
  same(in.x.transpose(0, 1), in.weight, in.bias);
  same(in.x, in.weight, {});
}

TEST(Linear, HasTheGradientOfFiniteDifferencesInFloat64) {
  const LinearInputs in = linear_inputs({2, 3}, 4, 5);
  const auto weight = in.weight.to(torch::kDouble), bias = in.bias.to(torch::kDouble);
  EXPECT_LT(gradient_error([&](const Tensor& x) { return linear(x, weight, bias); },
                           in.x.to(torch::kDouble)),
            1e-6);
}

TEST(Linear, ASecondDerivativeIsRefused) {
  if (!cpu_has_bf16_matrix()) GTEST_SKIP() << "a processor without products in bfloat16";
  const LinearInputs in = linear_inputs({4}, 8, 10);
  const auto x = in.x.clone().requires_grad_();
  const auto y = linear(x, in.weight, in.bias);
  EXPECT_THROW(torch::autograd::grad({y}, {x}, {in.dy}, /*retain_graph=*/true,
                                     /*create_graph=*/true),
               InternalError);
}

}  // namespace
}  // namespace braid::ops
