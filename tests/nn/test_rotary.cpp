// Rotary position embedding against timm and a naive twin.
#include "braid/nn/position/rotary.h"

#include <complex>
#include <numbers>

#include "tests/nn/fixture.h"

namespace braid::nn {
namespace {

// Pairs of channels as complex numbers, turned one by one; x: [H*W,dim].
torch::Tensor naive_rotation(const torch::Tensor& x, int64_t height, int64_t width) {
  const int64_t dim = x.size(1), bands = dim / 4;
  const auto position = [](int64_t i, int64_t count) {  // from -1 to 1
    return 2.0 * static_cast<double>(i) / static_cast<double>(count - 1) - 1;
  };
  auto out = torch::zeros_like(x);
  for (int64_t n = 0; n < x.size(0); ++n)
    for (int64_t i = 0; i < dim / 2; ++i) {
      const double at = i < bands ? position(n / width, height) : position(n % width, width);
      const double share = static_cast<double>(i % bands) / static_cast<double>(bands - 1);
      const double angle = at * std::numbers::pi * std::pow(112.0, share);
      const std::complex<double> z(x[n][2 * i].item<double>(), x[n][2 * i + 1].item<double>());
      const auto turned = z * std::polar(1.0, angle);
      out[n][2 * i] = turned.real();
      out[n][2 * i + 1] = turned.imag();
    }
  return out;
}

TEST(Rotary, EmbeddingsAndRotationsEqualTheReference) {
  const auto file = load_fixture("rotary");
  const auto& expected = file.at("embedding");
  EXPECT_LT(largest_difference(rotary_embedding(8, 3, 5, torch::kFloat), expected), 2e-6);
  const auto turned = apply_rotary(file.at("input"), expected.to(torch::kDouble));
  EXPECT_LT(largest_difference(turned, file.at("output")), 1e-12);
}

TEST(Rotary, EqualsItsNaiveTwin) {
  torch::manual_seed(1);
  const auto x = torch::randn({12, 8}, torch::kDouble);
  const auto embedding = rotary_embedding(8, 3, 4, torch::kDouble);
  EXPECT_LT(largest_difference(apply_rotary(x, embedding), naive_rotation(x, 3, 4)),
            1e-4);  // the angles are float32's
}

// What rotary embeddings are for: shifting query and key together leaves their product as it is.
TEST(Rotary, ProductsDependOnTheDistanceAlone) {
  torch::manual_seed(2);
  const auto query = torch::randn({8}, torch::kDouble), key = torch::randn({8}, torch::kDouble);
  const auto embedding = rotary_embedding(8, 6, 6, torch::kDouble);
  const auto product = [&](int64_t a, int64_t b) {
    return apply_rotary(query.unsqueeze(0), embedding.narrow(0, a, 1))
        .mul(apply_rotary(key.unsqueeze(0), embedding.narrow(0, b, 1)))
        .sum()
        .item<double>();
  };
  EXPECT_NEAR(product(0, 8), product(21, 29), 1e-3);  // one row and two columns apart
  EXPECT_GT(std::abs(product(0, 8) - product(0, 9)), 1e-2);
}

}  // namespace
}  // namespace braid::nn
