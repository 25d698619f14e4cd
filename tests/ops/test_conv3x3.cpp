// 3x3 convolutions with a weight gradient of our own against LibTorch's in float64.
#include "braid/ops/conv3x3.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <vector>

#include "braid/core/error.h"
#include "braid/ops/conv3x3_gradient_cpu.h"
#include "braid/ops/kernels/bit_blocks.h"
#include "tests/ops/operator_checks.h"

namespace braid::ops {
namespace {

using torch::Tensor;

TEST(BitBlocks, TransposeAndPairRows) {
  constexpr int64_t kRows = 16, kColumns = 24, kLine = 40;
  std::vector<uint16_t> from(kRows * kColumns), lines(kColumns * kLine), pairs(from.size());
  for (size_t i = 0; i < from.size(); ++i) from[i] = static_cast<uint16_t>(i * 2654435761u >> 8);
  transpose_bits(from.data(), kRows, kColumns, lines.data(), kLine);
  pair_rows(from.data(), kRows, kColumns, pairs.data());
  for (int64_t row = 0; row < kRows; ++row)
    for (int64_t column = 0; column < kColumns; ++column) {
      const auto number = from[static_cast<size_t>(row * kColumns + column)];
      EXPECT_EQ(lines[static_cast<size_t>(column * kLine + row)], number);
      EXPECT_EQ(pairs[static_cast<size_t>(row / 2 * 2 * kColumns + 2 * column + row % 2)], number);
    }
}

class Conv3x3 : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!conv3x3_weight_gradient_is_usable())
      GTEST_SKIP() << "the processor has no matrix units for bfloat16 (AMX-BF16)";
  }
};

struct SmallMaps {
  int64_t images, in, out, height, width;
};
// Groups that are whole and not, maps of one pixel, of one row, more outputs than inputs and the
// reverse.
const std::vector<SmallMaps> kSmallMaps = {{70, 16, 32, 6, 7},   {2048, 32, 16, 1, 1},
                                           {230, 16, 16, 3, 3},  {32, 16, 16, 8, 8},
                                           {201, 48, 16, 1, 11}, {120, 64, 64, 5, 4}};

struct Conv3x3Inputs {
  Tensor x, weight, dy;
};
Conv3x3Inputs conv3x3_inputs(const SmallMaps& c) {
  torch::manual_seed(5);
  const auto map = [&](int64_t chans) {
    return torch::randn({c.images, chans, c.height, c.width})
        .to(torch::kBFloat16)
        .contiguous(at::MemoryFormat::ChannelsLast);
  };
  // Weights that lose nothing when they are rounded.
  return {map(c.in), torch::randn({c.out, c.in, 3, 3}).to(torch::kBFloat16).to(torch::kFloat),
          map(c.out)};
}

std::vector<Tensor> conv3x3_step(Tensor (*op)(const Tensor&, const Tensor&),
                                 const Conv3x3Inputs& in, at::ScalarType x_type,
                                 at::ScalarType weight_type) {
  const auto x = in.x.to(x_type).detach().clone().requires_grad_();
  const auto weight = in.weight.to(weight_type).detach().clone().requires_grad_();
  const auto y = op(x, weight);
  y.backward(in.dy.to(x_type));
  return {y.detach(), x.grad(), weight.grad()};
}

TEST_F(Conv3x3, IsLibTorchs) {
  for (const auto& c : kSmallMaps) {
    const Conv3x3Inputs in = conv3x3_inputs(c);
    ASSERT_TRUE(is_fused_conv3x3(in.x, in.weight));
    const auto found = conv3x3_step(conv3x3, in, torch::kBFloat16, torch::kFloat);
    const auto truth = conv3x3_step(composed_conv3x3, in, torch::kDouble, torch::kDouble);
    EXPECT_LE(difference(found[0], truth[0]), 0.01 * largest(truth[0]));
    EXPECT_LE(difference(found[1], truth[1]), 0.01 * largest(truth[1]));
    EXPECT_EQ(found[2].scalar_type(), torch::kFloat);
    EXPECT_LE(difference(found[2], truth[2]), 1e-5 * largest(truth[2]))
        << c.images << "x" << c.in << "x" << c.height << "x" << c.width << " -> " << c.out;
  }
}

TEST_F(Conv3x3, AnyNumberOfThreadsGivesTheGradient) {
  const Conv3x3Inputs in = conv3x3_inputs(kSmallMaps.back());
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const auto alone = conv3x3_step(conv3x3, in, torch::kBFloat16, torch::kFloat)[2];
  at::set_num_threads(3);
  const auto together = conv3x3_step(conv3x3, in, torch::kBFloat16, torch::kFloat)[2];
  at::set_num_threads(before);
  EXPECT_LE(difference(together, alone), 1e-5 * largest(alone));
}

TEST_F(Conv3x3, LeavesTheRestToLibTorch) {
  const Conv3x3Inputs in = conv3x3_inputs(kSmallMaps.front());
  EXPECT_FALSE(is_fused_conv3x3(in.x.to(torch::kDouble), in.weight));
  EXPECT_FALSE(is_fused_conv3x3(in.x.contiguous(), in.weight)) << "another layout";
  EXPECT_FALSE(is_fused_conv3x3(in.x, in.weight.to(torch::kBFloat16)));
  EXPECT_FALSE(is_fused_conv3x3(in.x, torch::randn({32, 16, 1, 1})));
  EXPECT_FALSE(is_fused_conv3x3(in.x, torch::randn({20, 16, 3, 3})));
  EXPECT_FALSE(
      is_fused_conv3x3(conv3x3_inputs({1, 16, 16, 56, 56}).x, torch::randn({16, 16, 3, 3})))
      << "a large map";
}

TEST_F(Conv3x3, HasNoSecondDerivative) {
  const Conv3x3Inputs in = conv3x3_inputs(kSmallMaps.front());
  const auto weight = in.weight.clone().requires_grad_();
  const auto y = conv3x3(in.x, weight);
  EXPECT_THROW(torch::autograd::grad({y}, {weight}, {in.dy}, /*retain_graph=*/true,
                                     /*create_graph=*/true),
               InternalError);
}

}  // namespace
}  // namespace braid::ops
