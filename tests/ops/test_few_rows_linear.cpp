// Products of few rows against LibTorch's operator, in float64 where it computes the truth.
#include "braid/ops/few_rows_linear.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "braid/ops/token_kernels_cpu.h"
#include "tests/ops/operator_checks.h"

namespace braid::ops {
namespace {

using torch::Tensor;

struct FewRowsInputs {
  Tensor x, weight, bias;
};
FewRowsInputs few_rows_inputs(at::IntArrayRef rows, int64_t in, int64_t out, at::ScalarType type) {
  torch::manual_seed(8);
  auto sizes = rows.vec();
  sizes.push_back(in);
  return {torch::randn(sizes),
          (torch::randn({out, in}) / std::sqrt(static_cast<double>(in))).to(type),
          torch::randn({out})};
}
Tensor true_product(const FewRowsInputs& in) {
  return at::linear(in.x.to(in.weight.scalar_type()).to(torch::kDouble),
                    in.weight.to(torch::kDouble),
                    in.bias.defined() ? in.bias.to(torch::kDouble) : in.bias);
}

TEST(FewRowsLinear, IsLibTorchsProduct) {
  const torch::NoGradGuard no_grad;
  for (const auto type : {torch::kFloat, torch::kBFloat16})
    for (const auto& rows :
         std::vector<std::vector<int64_t>>{{}, {1}, {2}, {3, 1}, {4}, {7}, {2, 4}})
      for (const auto& [in, out] :
           {std::pair<int64_t, int64_t>{64, 48}, {7, 3}, {130, 33}, {1, 1}, {512, 100}}) {
        auto inputs = few_rows_inputs(rows, in, out, type);
        for (const bool biased : {true, false}) {
          if (!biased) inputs.bias = Tensor();
          for (const auto result : {torch::kFloat, torch::kBFloat16}) {
            ASSERT_TRUE(is_few_rows(inputs.x, inputs.weight, inputs.bias, result));
            const auto y = few_rows_linear(inputs.x, inputs.weight, inputs.bias, result);
            const auto truth = true_product(inputs);
            EXPECT_EQ(y.sizes(), truth.sizes());
            EXPECT_EQ(y.scalar_type(), result);
            const double rounding = result == torch::kFloat ? 2e-6 : 0.004;
            EXPECT_LE(difference(y, truth), rounding * largest(truth))
                << rows << " rows of " << in << " to " << out;
          }
        }
      }
}

TEST(FewRowsLinear, TakesRowsOfBFloat16) {
  const torch::NoGradGuard no_grad;
  auto inputs = few_rows_inputs({3}, 40, 24, torch::kBFloat16);
  inputs.x = inputs.x.to(torch::kBFloat16);
  ASSERT_TRUE(is_few_rows(inputs.x, inputs.weight, inputs.bias, torch::kFloat));
  const auto y = few_rows_linear(inputs.x, inputs.weight, inputs.bias, torch::kFloat);
  EXPECT_LE(difference(y, true_product(inputs)), 2e-6 * largest(y));
}

TEST(FewRowsLinear, IsTheSameAtEachLevelOfInstructions) {
  const int64_t rows = 7, in = 45, out = 37;
  for (const bool bfloat16 : {false, true}) {
    const auto inputs =
        few_rows_inputs({rows}, in, out, bfloat16 ? torch::kBFloat16 : torch::kFloat);
    const auto run = [&](const TokenKernels& kernels) {
      const Tensor y = torch::full({rows, out}, -1.0F);
      kernels.few_rows({rows, in, out, out - 2, bfloat16}, inputs.x.const_data_ptr<float>(),
                       inputs.weight.const_data_ptr(), y.mutable_data_ptr<float>());
      return y;
    };
    const auto expected = run(*usable_token_kernels().back());
    for (const auto* kernels : usable_token_kernels()) {
      const auto y = run(*kernels);
      EXPECT_LE(difference(y, expected), 2e-6 * largest(expected)) << kernels->name;
      EXPECT_EQ(difference(y.narrow(1, out - 2, 2), torch::full({rows, 2}, -1.0F)), 0)
          << "columns that were not asked for";
    }
  }
}

TEST(FewRowsLinear, TheNumberOfThreadsChangesNothing) {
  const torch::NoGradGuard no_grad;
  const auto in = few_rows_inputs({4}, 256, 1000, torch::kFloat);
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const auto one = few_rows_linear(in.x, in.weight, in.bias, torch::kFloat);
  at::set_num_threads(3);
  const auto three = few_rows_linear(in.x, in.weight, in.bias, torch::kFloat);
  at::set_num_threads(threads);
  EXPECT_TRUE(torch::equal(one, three));
}

TEST(FewRowsLinear, LeavesTheRestToLibTorch) {
  const auto in = few_rows_inputs({4}, 16, 8, torch::kFloat);
  EXPECT_FALSE(is_few_rows(in.x, in.weight, in.bias, torch::kFloat)) << "gradients are recorded";
  const torch::NoGradGuard no_grad;
  const auto is_left = [&](const Tensor& x, const Tensor& weight, const Tensor& bias) {
    EXPECT_FALSE(is_few_rows(x, weight, bias, x.scalar_type()));
    EXPECT_TRUE(torch::equal(few_rows_linear(x, weight, bias, x.scalar_type()),
                             composed_few_rows_linear(x, weight, bias, x.scalar_type())));
  };
  is_left(torch::randn({most_few_rows(torch::kFloat) + 1, 16}), in.weight, in.bias);
  is_left(in.x.to(torch::kDouble), in.weight.to(torch::kDouble), in.bias.to(torch::kDouble));
  is_left(torch::randn({16, 4}).t(), in.weight, in.bias);
  is_left(torch::randn({0, 16}), in.weight, in.bias);
}

}  // namespace
}  // namespace braid::ops
