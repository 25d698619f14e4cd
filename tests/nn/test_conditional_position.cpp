// Conditional positional encoding against timm and a naive twin.
#include "braid/nn/position/conditional_position.h"

#include "tests/nn/fixture.h"
#include "tests/ops/gradient_check.h"

namespace braid::nn {
namespace {

// Pixel by pixel; x: [B,C,H,W].
torch::Tensor naive(const torch::Tensor& weight, const torch::Tensor& bias,
                    const torch::Tensor& x) {
  const int64_t H = x.size(2), W = x.size(3);
  auto out = x.clone();
  for (int64_t r = 0; r < H; ++r)
    for (int64_t c = 0; c < W; ++c) {
      auto sum = bias.expand({x.size(0), -1}).clone();  // [B,C]
      for (int64_t i = std::max<int64_t>(0, r - 1); i <= std::min(H - 1, r + 1); ++i)
        for (int64_t j = std::max<int64_t>(0, c - 1); j <= std::min(W - 1, c + 1); ++j)
          sum += weight.select(1, 0).select(1, i - r + 1).select(1, j - c + 1) *
                 x.select(2, i).select(2, j);
      out.select(2, r).select(2, c).add_(sum);
    }
  return out;
}

TEST(ConditionalPositionEncoding, EqualsTimmsPosConv) {
  ConditionalPositionEncoding layer(ConditionalPositionEncodingConfig{.dim = 6});
  const auto call = [&](const torch::Tensor& tokens) {  // of 5 rows and 4 columns
    const auto map = to_nchw(tokens.view({-1, 5, 4, 6}));
    return to_nhwc(layer->forward(map)).flatten(1, 2);
  };
  expect_reference(*layer, call, load_fixture("conv_position"), "stride_1");
}

TEST(ConditionalPositionEncoding, EqualsItsNaiveTwinAndFolds) {
  torch::manual_seed(1);
  const torch::NoGradGuard no_grad;
  for (const auto keys : {PositionKeys::kPosConv, PositionKeys::kPosEnc}) {
    ConditionalPositionEncoding layer(ConditionalPositionEncodingConfig{.dim = 3, .keys = keys});
    layer->to(torch::kDouble);
    layer->eval();
    randomize(*layer);
    const auto x = torch::randn({2, 3, 4, 5}, torch::kDouble);
    const auto expected = naive(layer->parameters()[0], layer->parameters()[1], x);
    EXPECT_LT(largest_difference(layer->forward(x), expected), 1e-12);
    layer->reparameterize();
    EXPECT_LT(largest_difference(layer->forward(x), expected), 1e-12);
    EXPECT_EQ(layer->named_parameters().keys(),
              (std::vector<std::string>{"reparam_conv.weight", "reparam_conv.bias"}));
  }
}

TEST(ConditionalPositionEncoding, GradientsAreTheFiniteDifferences) {
  torch::manual_seed(1);
  ConditionalPositionEncoding layer(ConditionalPositionEncodingConfig{.dim = 3});
  layer->to(torch::kDouble);
  EXPECT_LT(ops::gradient_error([&](const auto& x) { return layer->forward(x); },
                                torch::randn({2, 3, 3, 5}, torch::kDouble)),
            1e-7);
}

}  // namespace
}  // namespace braid::nn
