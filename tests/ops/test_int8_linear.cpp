// Products of few rows with matrices of int8 against float64.
#include "braid/ops/int8_linear.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "braid/ops/token_kernels_cpu.h"
#include "tests/ops/operator_checks.h"

namespace braid::ops {
namespace {

using torch::Tensor;

struct Int8Inputs {
  Tensor x;
  Int8Matrix matrix;
  Tensor bias;
};
Int8Inputs int8_inputs(at::IntArrayRef rows, int64_t in, int64_t out) {
  torch::manual_seed(9);
  auto sizes = rows.vec();
  sizes.push_back(in);
  return {torch::randn(sizes), to_int8(torch::randn({out, in})), torch::randn({out})};
}
Tensor true_int8_product(const Int8Inputs& in) {
  return at::linear(in.x.to(torch::kDouble), to_float(in.matrix).to(torch::kDouble),
                    in.bias.defined() ? in.bias.to(torch::kDouble) : in.bias);
}

TEST(Int8Linear, RoundsAMatrixToTheNearest) {
  const auto weight = torch::tensor({{1.0F, -2.0F, 0.5F}, {0.0F, 0.0F, 0.0F}, {3e-40F, 0.F, 0.F}});
  const auto matrix = to_int8(weight);
  EXPECT_TRUE(bytes_of(matrix)[0].equal(torch::tensor({64, -127, 32}, torch::kChar)));
  EXPECT_TRUE(bytes_of(matrix)[1].equal(torch::zeros({3}, torch::kChar)));
  EXPECT_TRUE(to_float(matrix).isfinite().all().item<bool>());
  const auto random = torch::randn({20, 70});
  const auto rounded = to_int8(random);
  EXPECT_TRUE(((to_float(rounded) - random).abs() <= rounded.scale.unsqueeze(1) * 0.5001F)
                  .all()
                  .item<bool>());
  const auto again = to_int8(to_float(rounded));  // what is rounded stays
  EXPECT_TRUE(again.packed.equal(rounded.packed));
}

TEST(Int8Linear, IsTheProductOfWhatTheMatrixStandsFor) {
  const torch::NoGradGuard no_grad;
  for (const auto& rows :
       std::vector<std::vector<int64_t>>{{}, {1}, {2}, {3, 1}, {4}, {7}, {2, 16}})
    for (const auto& [in, out] :
         {std::pair<int64_t, int64_t>{64, 48}, {7, 3}, {130, 33}, {1, 1}, {512, 100}, {2048, 18}}) {
      auto inputs = int8_inputs(rows, in, out);
      for (const bool biased : {true, false}) {
        if (!biased) inputs.bias = Tensor();
        for (const auto result : {torch::kFloat, torch::kBFloat16}) {
          ASSERT_TRUE(is_int8_linear_fused(inputs.x, inputs.matrix, inputs.bias, result));
          const auto y = int8_linear(inputs.x, inputs.matrix, inputs.bias, result);
          const auto truth = true_int8_product(inputs);
          EXPECT_EQ(y.sizes(), truth.sizes());
          EXPECT_EQ(y.scalar_type(), result);
          const double rounding = result == torch::kFloat ? 1e-4 : 0.004;
          EXPECT_LE(difference(y, truth), rounding * largest(truth))
              << rows << " rows of " << in << " to " << out;
        }
      }
    }
}

TEST(Int8Linear, SumsTheLargestNumbersExactly) {
  const torch::NoGradGuard no_grad;
  for (const int64_t in : {512, 2048, 8192}) {
    const auto matrix = to_int8(torch::full({5, in}, -127.0F));
    EXPECT_TRUE(bytes_of(matrix).eq(-127).all().item<bool>());
    const auto x = torch::full({2, in}, 3.0F);
    ASSERT_TRUE(is_int8_linear_fused(x, matrix, {}, torch::kFloat));
    const auto y = int8_linear(x, matrix, {}, torch::kFloat);
    EXPECT_LE(difference(y, torch::full({2, 5}, -381.0 * static_cast<double>(in), torch::kDouble)),
              1e-6 * largest(y));
  }
}

TEST(Int8Linear, IsTheSameAtEachLevelOfInstructions) {
  const int64_t rows = 7, in = 45, out = 101, stride = padded_shorts(in);
  const auto inputs = int8_inputs({rows}, in, out);
  const auto run = [&](const TokenKernels& kernels) {
    const Tensor shorts = torch::zeros({rows, stride}, torch::kShort),
                 scales = torch::empty({rows});
    for (int64_t row = 0; row < rows; ++row)
      scales[row] = kernels.to_shorts(inputs.x[row].const_data_ptr<float>(), in, 30000,
                                      shorts[row].mutable_data_ptr<int16_t>());
    const Tensor y = torch::full({rows, out}, -1.0F);
    kernels.int8_rows(
        {.rows = rows, .pairs = (in + 1) / 2, .out = out, .count = out - 2, .x_stride = stride},
        shorts.const_data_ptr<int16_t>(), scales.const_data_ptr<float>(),
        inputs.matrix.packed.const_data_ptr<int8_t>(), inputs.matrix.scale.const_data_ptr<float>(),
        y.mutable_data_ptr<float>());
    EXPECT_EQ(shorts.slice(1, in).count_nonzero().item<int64_t>(), 0);
    EXPECT_EQ(shorts.abs().amax().item<int64_t>(), 30000);
    return y;
  };
  const auto expected = run(*usable_token_kernels().back());
  EXPECT_TRUE(expected.slice(1, out - 2).eq(-1).all().item<bool>()) << "columns beyond its own";
  for (const auto* kernels : usable_token_kernels())
    EXPECT_LE(difference(run(*kernels), expected), 1e-6 * largest(expected)) << kernels->name;
}

TEST(Int8Linear, IsTheSameWithAnyNumberOfThreads) {
  const torch::NoGradGuard no_grad;
  const auto in = int8_inputs({4}, 512, 700);
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const auto one = int8_linear(in.x, in.matrix, in.bias, torch::kFloat);
  at::set_num_threads(3);
  const auto three = int8_linear(in.x, in.matrix, in.bias, torch::kFloat);
  at::set_num_threads(before);
  EXPECT_TRUE(one.equal(three));
}

TEST(Int8Linear, ARowDoesNotDependOnTheOthers) {
  const torch::NoGradGuard no_grad;
  const auto in = int8_inputs({7}, 96, 50);
  const auto all = int8_linear(in.x, in.matrix, in.bias, torch::kFloat);
  for (int64_t row = 0; row < 7; ++row)
    EXPECT_TRUE(
        all[row].equal(int8_linear(in.x[row].contiguous(), in.matrix, in.bias, torch::kFloat)));
}

TEST(Int8Linear, WhatIsNoNumberStaysNone) {
  const torch::NoGradGuard no_grad;
  const auto in = int8_inputs({3}, 40, 20);
  const auto x = in.x.clone();
  x[0][3] = std::numeric_limits<float>::quiet_NaN();
  x[1][39] = -std::numeric_limits<float>::infinity();
  const auto y = int8_linear(x, in.matrix, in.bias, torch::kFloat);
  EXPECT_TRUE(y.slice(0, 0, 2).isnan().all().item<bool>());
  EXPECT_TRUE(y[2].isfinite().all().item<bool>());
  const auto tiny = int8_linear(torch::full({1, 40}, 1e-38F), in.matrix, in.bias, torch::kFloat);
  EXPECT_LE(difference(tiny[0], in.bias), 1e-30);
  const auto zeros = int8_linear(torch::zeros({2, 40}), in.matrix, in.bias, torch::kFloat);
  EXPECT_TRUE(zeros[0].equal(in.bias));
}

TEST(Int8Linear, LeavesTheRestToLibTorch) {
  const auto in = int8_inputs({4}, 16, 8);
  EXPECT_FALSE(is_int8_linear_fused(in.x, in.matrix, in.bias, torch::kFloat))
      << "gradients are recorded";
  const auto x = in.x.clone().requires_grad_();
  int8_linear(x, in.matrix, in.bias, torch::kFloat).sum().backward();
  EXPECT_LE(difference(x.grad()[0], to_float(in.matrix).sum(0)), 1e-5 * largest(x.grad()));
  const torch::NoGradGuard no_grad;
  const auto is_left = [&](const Tensor& rows, const Int8Matrix& matrix, const Tensor& bias) {
    EXPECT_FALSE(is_int8_linear_fused(rows, matrix, bias, torch::kFloat));
    EXPECT_EQ(int8_linear(rows, matrix, bias, torch::kFloat).scalar_type(), torch::kFloat);
  };
  is_left(torch::randn({kMostInt8Rows + 1, 16}), in.matrix, in.bias);
  is_left(torch::randn({16, 4}).t(), in.matrix, in.bias);
  is_left(in.x, in.matrix, in.bias.to(torch::kDouble));
  const Int8Matrix wide = to_int8(torch::ones({2, 20000}));
  is_left(torch::randn({1, 20000}), wide, {});
}

}  // namespace
}  // namespace braid::ops
