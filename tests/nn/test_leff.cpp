// The locally-enhanced feed-forward part against CeiT's code and a naive twin.
#include "braid/nn/mlp/leff.h"

#include "tests/nn/fixture.h"
#include "tests/nn/gradient_check.h"

namespace braid::nn {
namespace {

// A linear layer's weights stored as a 1x1 convolution, at one pixel: [in] -> [out].
torch::Tensor at_pixel(const torch::nn::Conv2d& conv, const torch::Tensor& x) {
  return conv->weight.flatten(1).mv(x) + conv->bias;
}

torch::Tensor norm_pixel(const torch::nn::BatchNorm2d& bn, const torch::Tensor& x) {
  return (x - bn->running_mean) / (bn->running_var + 1e-5).sqrt() * bn->weight + bn->bias;
}

// Pixel by pixel, x: [C,H,W].
torch::Tensor naive_leff(Leff& layer, const torch::Tensor& x) {
  const int64_t H = x.size(1), W = x.size(2), reach = layer->conv2->weight.size(2) / 2;
  auto hidden = torch::zeros({layer->conv1->weight.size(0), H, W}, torch::kDouble);
  auto out = torch::zeros_like(x);
  for (int64_t r = 0; r < H; ++r)
    for (int64_t c = 0; c < W; ++c)
      hidden.select(1, r).select(1, c).copy_(
          torch::gelu(norm_pixel(layer->bn1, at_pixel(layer->conv1, x.select(1, r).select(1, c)))));
  for (int64_t r = 0; r < H; ++r)
    for (int64_t c = 0; c < W; ++c) {
      auto sum = layer->conv2->bias.clone();
      for (int64_t i = std::max<int64_t>(0, r - reach); i <= std::min(H - 1, r + reach); ++i)
        for (int64_t j = std::max<int64_t>(0, c - reach); j <= std::min(W - 1, c + reach); ++j)
          sum +=
              layer->conv2->weight.select(1, 0).select(1, i - r + reach).select(1, j - c + reach) *
              hidden.select(1, i).select(1, j);
      const auto y = torch::gelu(norm_pixel(layer->bn2, sum));
      out.select(1, r).select(1, c).copy_(norm_pixel(layer->bn3, at_pixel(layer->conv3, y)));
    }
  return out;
}

TEST(LeffTest, EqualsTheReference) {
  const auto file = load_fixture("leff");
  Leff norms(LeffConfig{.dim = 4, .hidden = 10});
  expect_reference(
      *norms, [&](const auto& x) { return norms->forward(x); }, file, "norms");
  Leff plain(LeffConfig{.dim = 4, .hidden = 10, .kernel_size = 5, .with_bn = false});
  expect_reference(
      *plain, [&](const auto& x) { return plain->forward(x); }, file, "plain");
}

TEST(LeffTest, MapsAndTokensEqualTheNaiveTwin) {
  torch::manual_seed(1);
  const torch::NoGradGuard no_grad;
  Leff layer(LeffConfig{.dim = 3, .hidden = 5});
  layer->to(torch::kDouble);
  layer->eval();
  randomize(*layer);
  const auto map = torch::randn({2, 3, 4, 5}, torch::kDouble);
  const auto expected = torch::stack({naive_leff(layer, map[0]), naive_leff(layer, map[1])});
  EXPECT_LT(largest_difference(layer->forward(map), expected), 1e-12);
  EXPECT_LT(
      largest_difference(layer->forward(map.contiguous(at::MemoryFormat::ChannelsLast)), expected),
      1e-12);
  const auto cls = torch::randn({2, 1, 3}, torch::kDouble);
  const auto tokens = torch::cat({cls, map.flatten(2).transpose(1, 2)}, 1);  // [2,1+20,3]
  const auto out = layer->forward_tokens(tokens, 4);
  EXPECT_TRUE(out.narrow(1, 0, 1).equal(cls));
  EXPECT_LT(largest_difference(out.narrow(1, 1, 20), expected.flatten(2).transpose(1, 2)), 1e-12);
}

TEST(LeffTest, GradientsAreTheFiniteDifferences) {
  torch::manual_seed(1);
  Leff layer(LeffConfig{.dim = 3, .hidden = 5});
  layer->to(torch::kDouble);
  const auto call = [&](const auto& x) { return layer->forward(x); };
  EXPECT_LT(gradient_error(call, torch::randn({2, 3, 3, 4}, torch::kDouble)), 1e-7);
  EXPECT_LT(gradient_error(call, torch::randn({2, 1 + 9, 3}, torch::kDouble)), 1e-7);
}

}  // namespace
}  // namespace braid::nn
