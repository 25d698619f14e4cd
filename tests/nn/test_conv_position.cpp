// Conditional positional encoding against timm and a naive twin.
#include "braid/nn/position/conv_position.h"

#include "tests/nn/fixture.h"
#include "tests/nn/gradient_check.h"

namespace braid::nn {
namespace {

// Pixel by pixel, without the shortcut; x: [B,C,H,W].
torch::Tensor naive_depthwise(const torch::nn::Conv2d& conv, const torch::Tensor& x,
                              int64_t stride) {
  const int64_t H = x.size(2), W = x.size(3);
  const int64_t rows = (H + stride - 1) / stride, columns = (W + stride - 1) / stride;
  auto out = torch::zeros({x.size(0), x.size(1), rows, columns}, torch::kDouble);
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c) {
      auto sum = conv->bias.expand({x.size(0), -1}).clone();  // [B,C]
      for (int64_t i = 0; i < 3; ++i)
        for (int64_t j = 0; j < 3; ++j) {
          const int64_t row = r * stride + i - 1, column = c * stride + j - 1;
          if (row < 0 || row >= H || column < 0 || column >= W) continue;
          sum += conv->weight.select(1, 0).select(1, i).select(1, j) *
                 x.select(2, row).select(2, column);
        }
      out.select(2, r).select(2, c).copy_(sum);
    }
  return out;
}

TEST(ConvPositionTest, EqualsTheReference) {
  const auto file = load_fixture("conv_position");
  for (const int64_t stride : {1, 2}) {
    ConvPosition layer(ConvPositionConfig{.dim = 6, .stride = stride});
    expect_reference(
        *layer, [&](const auto& x) { return layer->forward_tokens(x, 5); }, file,
        "stride_" + std::to_string(stride));
  }
}

TEST(ConvPositionTest, MapsAndTokensEqualTheNaiveTwin) {
  torch::manual_seed(1);
  const torch::NoGradGuard no_grad;
  const auto map = torch::randn({2, 3, 4, 4}, torch::kDouble);
  const auto cls = torch::randn({2, 1, 3}, torch::kDouble);
  for (const int64_t stride : {1, 2}) {
    ConvPosition layer(ConvPositionConfig{.dim = 3, .stride = stride, .prefix_tokens = 1});
    layer->to(torch::kDouble);
    randomize(*layer);
    auto expected = naive_depthwise(layer->conv, map, stride);
    if (stride == 1) expected = expected + map;
    EXPECT_LT(largest_difference(layer->forward(map), expected), 1e-12);
    const auto out = layer->forward(torch::cat({cls, map.flatten(2).transpose(1, 2)}, 1));
    EXPECT_TRUE(out.narrow(1, 0, 1).equal(cls));
    EXPECT_LT(largest_difference(out.narrow(1, 1, expected[0][0].numel()),
                                 expected.flatten(2).transpose(1, 2)),
              1e-12);
  }
}

TEST(ConvPositionTest, GradientsAreTheFiniteDifferences) {
  torch::manual_seed(1);
  for (const int64_t stride : {1, 2}) {
    ConvPosition layer(ConvPositionConfig{.dim = 3, .stride = stride});
    layer->to(torch::kDouble);
    EXPECT_LT(gradient_error([&](const auto& x) { return layer->forward(x); },
                             torch::randn({2, 3, 3, 5}, torch::kDouble)),
              1e-7);
  }
}

}  // namespace
}  // namespace braid::nn
