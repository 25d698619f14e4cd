// Ranges and scales have the values that their definitions give.
#include "braid/compress/ranges.h"

#include <gtest/gtest.h>

namespace braid::compress {
namespace {

double error_of(const torch::Tensor& x, const Range& range) {
  return (fake_quantize(x, range) - x).square().mean().item<double>();
}

TEST(AffineParams, HoldZeroExactly) {
  const auto params = affine_params({-1.0, 4.1});
  EXPECT_NEAR(params.scale, 5.1 / 255, 1e-8);
  EXPECT_EQ(params.zero_point, 50);
  EXPECT_EQ(affine_params({0.5, 2.0}).zero_point, 0);  // widened to zero
  EXPECT_EQ(affine_params({-3.0, -1.0}).zero_point, 255);
  EXPECT_EQ(affine_params({0, 0}).scale, 1);
}

TEST(FakeQuantize, IsTheReferenceFormula) {
  torch::manual_seed(0);
  const auto x = torch::randn({1000}) * 2;
  const Range range{-1.5, 3.5};
  const auto params = affine_params(range);
  const auto q = ((x.to(torch::kDouble) / params.scale).round() + params.zero_point).clamp(0, 255);
  const auto expected = (q - params.zero_point) * params.scale;
  EXPECT_LT((fake_quantize(x, range) - expected).abs().max().item<double>(), params.scale * 1.001);
  EXPECT_LT((fake_quantize(x, range) - expected).abs().mean().item<double>(), 1e-5);
}

// One number of 100 among a million below 6: the smallest-to-largest range wastes its steps. With
// steps of h / 255 and one number cut off, h = 100 / (1 + 1e6 / (12 * 255^2)) = 44 is best.
TEST(MseRange, BeatsTheWholeRangeOnAHeavyTail) {
  torch::manual_seed(1);
  auto x = torch::randn({1'000'000});
  x[17] = 100;
  const Range whole{x.min().item<double>(), 100};
  const auto range = mse_range(x, whole);
  EXPECT_LT(range.high, 60);
  EXPECT_LT(error_of(x, range), 0.7 * error_of(x, whole));
}

TEST(MseRange, KeepsAUniformOne) {
  const auto x = torch::linspace(0, 1, 4096);
  const auto range = mse_range(x, {0, 1});
  EXPECT_EQ(range.low, 0);
  EXPECT_GT(range.high, 0.95);
}

TEST(WeightScales, AreTheLargestWeightsPerOutput) {
  const auto weight = torch::tensor({{1.0f, -2.54f}, {0.5f, 0.127f}});
  const auto scales = weight_scales(weight, {.by_mse = false});
  EXPECT_NEAR(scales[0].item<double>(), 0.02, 1e-6);
  EXPECT_NEAR(scales[1].item<double>(), 0.5 / 127, 1e-6);
  const auto one = weight_scales(weight, {.per_channel = false, .by_mse = false});
  ASSERT_EQ(one.numel(), 1);
  EXPECT_NEAR(one.item<double>(), 0.02, 1e-6);
  const auto q = quantize_weight(weight, {scales, 127});
  EXPECT_TRUE(torch::equal(q, torch::tensor({{50.0f, -127.0f}, {127.0f, 32.0f}}))) << q;
}

TEST(WeightScales, BySquaredErrorAreNoWorse) {
  torch::manual_seed(2);
  const auto weight = torch::randn({8, 300});
  for (const int64_t bits : {8, 7, 4}) {
    const WeightScheme plain{.bits = bits, .by_mse = false}, best{.bits = bits, .by_mse = true};
    const auto error = [&](const WeightScheme& scheme) {
      const auto scales = weight_scales(weight, scheme);
      return (round_weight(weight, {scales, scheme.most()}) - weight).square().sum(1);
    };
    EXPECT_TRUE((error(best) <= error(plain)).all().item<bool>()) << bits;
    if (bits == 4) {
      EXPECT_LT(error(best).sum().item<double>(), 0.95 * error(plain).sum().item<double>());
    }
  }
}

}  // namespace
}  // namespace braid::compress
