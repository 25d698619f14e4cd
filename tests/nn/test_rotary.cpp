// Rotary position embedding and its attention against timm and naive twins.
#include "braid/nn/position/rotary.h"

#include <complex>
#include <numbers>

#include "tests/nn/fixture.h"
#include "tests/nn/gradient_check.h"

namespace braid::nn {
namespace {

const std::vector<std::pair<std::string, RotaryConfig>>& cases() {
  static const std::vector<std::pair<std::string, RotaryConfig>> kCases = {
      {"pixels", {}},
      {"linear", {.max_res = 32, .linear_bands = true}},
      {"counted", {.in_pixels = false}},
      {"resized", {.in_pixels = false, .temperature = 100, .ref_side = 7}},
      {"half", {.rotate_half = true}}};
  return kCases;
}

// Pairs of channels as complex numbers, turned one by one; x: [N,dim] of a grid of `width` columns,
// positions counted, temperature 10000.
torch::Tensor naive_rotation(const torch::Tensor& x, int64_t width, bool rotate_half) {
  const int64_t dim = x.size(1), pairs = dim / 2;
  auto out = torch::zeros_like(x);
  for (int64_t n = 0; n < x.size(0); ++n)
    for (int64_t i = 0; i < pairs; ++i) {
      const bool by_row = i < pairs / 2;
      const auto position = static_cast<double>(by_row ? n / width : n % width);
      const auto band = static_cast<double>(by_row ? i : i - pairs / 2);
      const double angle = position * std::pow(10000.0, -band / (static_cast<double>(dim) / 4));
      const int64_t first = rotate_half ? i : 2 * i, second = rotate_half ? i + pairs : 2 * i + 1;
      const std::complex<double> z(x[n][first].item<double>(), x[n][second].item<double>());
      const auto turned = z * std::polar(1.0, angle);
      out[n][first] = turned.real();
      out[n][second] = turned.imag();
    }
  return out;
}

TEST(RotaryTest, EmbeddingsAndRotationsEqualTheReference) {
  const auto file = load_fixture("rotary");
  for (const auto& [name, config] : cases()) {
    const auto& expected = file.at(name + "/embedding");
    EXPECT_LT(largest_difference(rotary_embedding(8, 3, 5, config, torch::kFloat), expected), 2e-6)
        << name;
    const auto turned =
        apply_rotary(file.at(name + "/input"), expected.to(torch::kDouble), config.rotate_half);
    EXPECT_LT(largest_difference(turned, file.at(name + "/output")), 1e-12) << name;
  }
}

TEST(RotaryTest, EqualsItsNaiveTwin) {
  torch::manual_seed(1);
  const auto x = torch::randn({12, 8}, torch::kDouble);
  for (const bool half : {false, true}) {
    const auto embedding =
        rotary_embedding(8, 3, 4, {.in_pixels = false, .rotate_half = half}, torch::kDouble);
    EXPECT_LT(largest_difference(apply_rotary(x, embedding, half), naive_rotation(x, 4, half)),
              1e-6);  // the angles are float32's
  }
}

// What rotary embeddings are for: shifting query and key together leaves their product as it is.
TEST(RotaryTest, ProductsDependOnTheDistanceAlone) {
  torch::manual_seed(2);
  const auto query = torch::randn({8}, torch::kDouble), key = torch::randn({8}, torch::kDouble);
  const auto embedding = rotary_embedding(8, 6, 6, {.in_pixels = false}, torch::kDouble);
  const auto product = [&](int64_t a, int64_t b) {
    return apply_rotary(query.unsqueeze(0), embedding.narrow(0, a, 1), false)
        .mul(apply_rotary(key.unsqueeze(0), embedding.narrow(0, b, 1), false))
        .sum()
        .item<double>();
  };
  EXPECT_NEAR(product(0, 8), product(21, 29), 1e-5);  // one row and two columns apart
  EXPECT_GT(std::abs(product(0, 8) - product(0, 9)), 1e-3);
}

TEST(RotaryAttentionTest, EqualsItsNaiveTwin) {
  torch::manual_seed(3);
  const torch::NoGradGuard no_grad;
  constexpr int64_t D = 8, d = 4, N = 6;
  RotaryAttention attention(RotaryAttentionConfig{.dim = D, .num_heads = 2});
  attention->to(torch::kDouble);
  randomize(*attention);
  const auto x = torch::randn({2, N, D}, torch::kDouble);
  const auto qkv = attention->qkv->forward(x);  // [2,N,3D]
  auto expected = torch::zeros_like(x);
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t h = 0; h < 2; ++h) {
      const auto part = [&](int64_t which) { return qkv[b].narrow(1, which * D + h * d, d); };
      const auto scores =
          naive_rotation(part(0), 3, false).mm(naive_rotation(part(1), 3, false).t()) / 2.0;
      expected[b].narrow(1, h * d, d).copy_(scores.softmax(1).mm(part(2)));
    }
  const auto embedding = rotary_embedding(d, 2, 3, {.in_pixels = false}, torch::kDouble);
  EXPECT_LT(
      largest_difference(attention->forward(x, embedding), attention->proj->forward(expected)),
      1e-6);
}

TEST(RotaryAttentionTest, GradientsAreTheFiniteDifferences) {
  torch::manual_seed(1);
  RotaryAttention attention(RotaryAttentionConfig{.dim = 8, .num_heads = 2});
  attention->to(torch::kDouble);
  const auto embedding = rotary_embedding(4, 2, 3, {}, torch::kDouble);
  EXPECT_LT(gradient_error([&](const auto& x) { return attention->forward(x, embedding); },
                           torch::randn({2, 6, 8}, torch::kDouble)),
            1e-7);
}

}  // namespace
}  // namespace braid::nn
