// The feed-forward part with a depthwise convolution against CeiT's code and a naive twin.
#include "braid/nn/mlp/conv_ffn.h"

#include "tests/nn/fixture.h"
#include "tests/ops/gradient_check.h"

namespace braid::nn {
namespace {

ConvFfn make(ConvFfnForm form, int64_t in, int64_t hidden) {
  ConvFfn layer(ConvFfnConfig{.in_features = in, .hidden_features = hidden, .form = form});
  layer->to(torch::kDouble);
  return layer;
}

// Pixel by pixel, x: [H,W,D]; weights by their names, norms where there are some.
torch::Tensor naive_ffn(const runtime::TensorMap& weights, const torch::Tensor& x, bool leff) {
  const auto get = [&](const std::string& name) { return weights.at(name); };
  const auto product = [&](const char* name, const torch::Tensor& pixel) {
    const std::string key = name;
    return get(key + ".weight").flatten(1).mv(pixel) + get(key + ".bias");
  };
  const auto norm = [&](const char* name, const torch::Tensor& pixel) {
    if (!leff) return pixel;
    const std::string key = name;
    return (pixel - get(key + ".running_mean")) / (get(key + ".running_var") + 1e-5).sqrt() *
               get(key + ".weight") +
           get(key + ".bias");
  };
  const auto depthwise = get(leff ? "conv2.weight" : "dwconv.weight");  // [hidden,1,3,3]
  const int64_t H = x.size(0), W = x.size(1);
  auto hidden = torch::zeros({H, W, depthwise.size(0)}, torch::kDouble), out = torch::zeros_like(x);
  for (int64_t r = 0; r < H; ++r)
    for (int64_t c = 0; c < W; ++c) {
      const auto y = norm("bn1", product(leff ? "conv1" : "fc1", x[r][c]));
      hidden[r][c].copy_(leff ? torch::gelu(y) : y);
    }
  for (int64_t r = 0; r < H; ++r)
    for (int64_t c = 0; c < W; ++c) {
      auto sum = get(leff ? "conv2.bias" : "dwconv.bias").clone();
      for (int64_t i = std::max<int64_t>(0, r - 1); i <= std::min(H - 1, r + 1); ++i)
        for (int64_t j = std::max<int64_t>(0, c - 1); j <= std::min(W - 1, c + 1); ++j)
          sum += depthwise.select(1, 0).select(1, i - r + 1).select(1, j - c + 1) * hidden[i][j];
      const auto y = torch::gelu(norm("bn2", sum));
      out[r][c].copy_(norm("bn3", product(leff ? "conv3" : "fc2", y)));
    }
  return out;
}

TEST(ConvFfnTest, EqualsCeitsCode) {
  ConvFfn layer = make(ConvFfnForm::kLeff, 4, 10);
  // There a class token goes around the layer and the others are a square grid.
  const auto call = [&](const torch::Tensor& x) {
    const auto grid = layer->forward(x.narrow(1, 1, 9).view({-1, 3, 3, 4}));
    return torch::cat({x.narrow(1, 0, 1), grid.flatten(1, 2)}, 1);
  };
  expect_reference(*layer, call, load_fixture("leff"), "norms");
}

TEST(ConvFfnTest, EqualsItsNaiveTwin) {
  torch::manual_seed(1);
  const torch::NoGradGuard no_grad;
  for (const auto form : {ConvFfnForm::kPvt, ConvFfnForm::kLeff}) {
    ConvFfn layer = make(form, 3, 5);
    layer->eval();
    randomize(*layer);
    runtime::TensorMap weights;
    for (const auto& [name, tensor] : runtime::named_state(*layer)) weights[name] = tensor;
    const auto x = torch::randn({2, 4, 5, 3}, torch::kDouble);
    const bool leff = form == ConvFfnForm::kLeff;
    const auto expected =
        torch::stack({naive_ffn(weights, x[0], leff), naive_ffn(weights, x[1], leff)});
    EXPECT_LT(largest_difference(layer->forward(x), expected), 1e-12) << leff;
  }
}

TEST(ConvFfnTest, GradientsAreTheFiniteDifferences) {
  torch::manual_seed(1);
  for (const auto form : {ConvFfnForm::kPvt, ConvFfnForm::kLeff}) {
    ConvFfn layer = make(form, 3, 5);
    EXPECT_LT(ops::gradient_error([&](const auto& x) { return layer->forward(x); },
                                  torch::randn({2, 3, 4, 3}, torch::kDouble)),
              1e-7);
  }
}

}  // namespace
}  // namespace braid::nn
