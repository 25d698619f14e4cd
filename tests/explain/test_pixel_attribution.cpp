// Integrated gradients, occlusion, the effective receptive field.
#include <gtest/gtest.h>

#include <cmath>

#include "braid/explain/heat_map.h"
#include "braid/explain/pixel_attribution.h"
#include "braid/explain/receptive_field.h"
#include "tests/explain/small_models.h"

namespace braid::explain {
namespace {

// Logits [N,2]: a weighted sum of the pixels, and its negative.
struct Linear {
  torch::Tensor weights = torch::randn({1, 3, 8, 8});
  torch::Tensor operator()(const torch::Tensor& x) const {
    const auto sum = (x * weights).sum({1, 2, 3});
    return torch::stack({sum, -sum}, 1);
  }
};

TEST(IntegratedGradients, SumToTheDifferenceOfLogits) {
  const auto model = make_model("resnet20", {{"num_classes", 5}});
  const auto x = torch::randn({1, 3, 32, 32});
  const Classify classify = [&](const torch::Tensor& input) { return model->forward(input); };
  const auto found = integrated_gradients(logit_of(classify, 3), x, torch::zeros_like(x), 300, 32);
  EXPECT_EQ(found.values.sizes(), (std::vector<int64_t>{3, 32, 32}));
  EXPECT_GT(std::abs(found.total), 1e-3);
  EXPECT_NEAR(found.values.sum().item<double>(), found.total, 0.03 * std::abs(found.total) + 1e-4);
}

TEST(IntegratedGradients, OfALinearModelAreInputTimesWeight) {
  const Linear linear;
  const auto x = torch::randn({1, 3, 8, 8}), baseline = torch::randn({1, 3, 8, 8});
  const auto found = integrated_gradients(logit_of(linear, 1), x, baseline, 5, 2);
  EXPECT_TRUE(torch::allclose(found.values, ((baseline - x) * linear.weights)[0], 1e-4, 1e-5));
  EXPECT_NEAR(found.values.sum().item<double>(), found.total, 1e-3);
}

TEST(Occlusion, OfALinearModelIsWhatTheHiddenPixelsGive) {
  const Linear linear;
  const auto x = torch::randn({1, 3, 8, 8});
  const auto map = occlusion(linear, x, 0, {.window = 2, .stride = 2, .fill = 0, .batch = 3});
  const auto expected = at::avg_pool2d((x * linear.weights).sum(1, true), 2) * 4;
  for (int64_t y = 0; y < 8; ++y)
    for (int64_t column = 0; column < 8; ++column)
      EXPECT_NEAR(map[y][column].item<float>(), expected[0][0][y / 2][column / 2].item<float>(),
                  1e-4);
}

TEST(Occlusion, CoversEveryPixelWhateverTheStride) {
  const Linear linear;
  const auto map = occlusion(linear, torch::ones({1, 3, 8, 8}), 0, {.window = 3, .stride = 4});
  EXPECT_TRUE(map.isfinite().all().item<bool>());
}

TEST(ReceptiveField, OfOneConvolutionIsItsWindow) {
  const auto model = make_model("resnet20", {{"num_classes", 5}});
  const auto explained = explainable_graph(*model, 32, 32);
  const auto field =
      receptive_field(explained, find_layer(explained, "conv1"), torch::randn({2, 3, 32, 32}));
  EXPECT_EQ(torch::nonzero(field.map).size(0), 9);  // 3 x 3
  EXPECT_GT(field.map[16][16].item<float>(), 0);
  EXPECT_LE(field.side_99, 4.0 / 32);
  EXPECT_LE(field.side_50, field.side_99);
}

TEST(HeatMap, SpreadsOverZeroToOneAndKeepsAConstantMapAtZero) {
  const auto map = to_pixels(torch::tensor({{1.0f, 2.0f}, {3.0f, 5.0f}}), 8, 8);
  EXPECT_NEAR(map.min().item<float>(), 0, 1e-6);
  EXPECT_NEAR(map.max().item<float>(), 1, 1e-6);
  EXPECT_EQ(min_max(torch::ones({2, 2})).sum().item<float>(), 0);
}

TEST(HeatMap, AnOverlayIsOfTheImagesShape) {
  const io::Image gray{
      .height = 10, .width = 20, .channels = 1, .pixels = std::vector<uint8_t>(200, 80)};
  const auto picture = overlay(gray, torch::rand({10, 20}));
  EXPECT_EQ(picture.channels, 3);
  EXPECT_EQ(picture.width, 240);
  EXPECT_EQ(picture.height, 120);
  EXPECT_EQ(picture.pixels.size(), 240u * 120 * 3);
}

}  // namespace
}  // namespace braid::explain
