// Convolutions along tokens, and the blocks around them.
#include <gtest/gtest.h>

#include "braid/nn/block/transformer_layer.h"
#include "braid/nn/conv/lightweight_conv.h"
#include "braid/nn/conv/token_conv.h"
#include "braid/nn/mlp/grouped_linear.h"
#include "tests/ops/gradient_check.h"

namespace braid::nn {
namespace {

// kernels: [B,N,H,K]. Window by window.
torch::Tensor naive_dynamic(const torch::Tensor& x, const torch::Tensor& kernels, int64_t left) {
  const int64_t N = x.size(1), K = kernels.size(3);
  const auto spread = kernels.repeat_interleave(x.size(2) / kernels.size(2), 2);  // [B,N,C,K]
  auto y = torch::zeros_like(x);
  for (int64_t i = 0; i < N; ++i)
    for (int64_t k = 0; k < K; ++k)
      if (const int64_t j = i + k - left; j >= 0 && j < N)
        y.select(1, i) += spread.select(1, i).select(2, k) * x.select(1, j);
  return y;
}

torch::Tensor doubles(at::IntArrayRef sizes) { return torch::randn(sizes, torch::kDouble); }

TEST(TokenConv, EachTokenHasItsKernel) {
  torch::manual_seed(1);
  for (const int64_t tokens : {1, 4, 11})
    for (const auto& [size, left] : {std::pair{1, 0}, {3, 1}, {7, 3}, {7, 6}, {4, 1}}) {
      const auto x = doubles({2, tokens, 6}), kernels = doubles({2, tokens, 3, size});
      const auto expected = naive_dynamic(x, kernels, left);
      for (const auto path : {DynamicConvPath::kBand, DynamicConvPath::kUnfold})
        EXPECT_TRUE(dynamic_convolution(x, kernels, left, path).allclose(expected, 0, 1e-12))
            << tokens << " tokens, kernel " << size;
      const auto weight = doubles({2, size});
      EXPECT_TRUE(
          token_convolution(x, weight, left)
              .allclose(naive_dynamic(x, weight.expand({2, tokens, 2, size}), left), 0, 1e-12));
    }
}

TEST(TokenConv, GradientsAreThoseOfFiniteDifferences) {
  torch::manual_seed(1);
  const auto x = doubles({2, 5, 4}), kernels = doubles({2, 5, 2, 3}), weight = doubles({2, 3});
  for (const auto path : {DynamicConvPath::kBand, DynamicConvPath::kUnfold}) {
    EXPECT_LT(
        ops::gradient_error(
            [&](const torch::Tensor& t) { return dynamic_convolution(t, kernels, 1, path); }, x),
        1e-8);
    EXPECT_LT(
        ops::gradient_error(
            [&](const torch::Tensor& t) { return dynamic_convolution(x, t, 1, path); }, kernels),
        1e-8);
  }
  EXPECT_LT(ops::gradient_error(
                [&](const torch::Tensor& t) { return token_convolution(t, weight, 1); }, x),
            1e-8);
  EXPECT_LT(ops::gradient_error([&](const torch::Tensor& t) { return token_convolution(x, t, 1); },
                                weight),
            1e-8);
}

LightweightConv lightweight(bool dynamic) {
  LightweightConv layer(LightweightConvConfig{
      .dim = 6, .num_heads = 2, .kernel_size = 5, .dynamic = dynamic, .glu = dynamic});
  for (auto& p : layer->parameters()) p.data().uniform_(-1, 1);
  layer->to(torch::kDouble);
  return layer;
}

TEST(LightweightConv, PaddingIsWhatLiesBeyondTheText) {
  const torch::NoGradGuard no_grad;
  torch::manual_seed(1);
  for (const bool dynamic : {false, true}) {
    auto layer = lightweight(dynamic);
    const auto x = doubles({1, 9, 6});
    auto mask = torch::zeros({1, 9}, torch::kBool);
    mask.narrow(1, 2, 4).fill_(true);
    const auto inside = layer->forward(x, {.key_padding = mask}).narrow(1, 2, 4);
    EXPECT_TRUE(inside.allclose(layer->forward(x.narrow(1, 2, 4), {}), 0, 1e-12)) << dynamic;
  }
}

TEST(LightweightConv, CausalItSeesNoLaterToken) {
  const torch::NoGradGuard no_grad;
  torch::manual_seed(1);
  for (const bool dynamic : {false, true}) {
    auto layer = lightweight(dynamic);
    const auto x = doubles({1, 9, 6});
    auto other = x.clone();
    other.narrow(1, 5, 4).normal_();
    const auto a = layer->forward(x, {.causal = true}), b = layer->forward(other, {.causal = true});
    EXPECT_TRUE(a.narrow(1, 0, 5).allclose(b.narrow(1, 0, 5), 0, 1e-12));
    EXPECT_FALSE(a.select(1, 5).allclose(b.select(1, 5)));
    EXPECT_FALSE(
        layer->forward(x, {}).select(1, 4).allclose(layer->forward(other, {}).select(1, 4)));
  }
}

TEST(LightweightConv, GradientIsThatOfFiniteDifferences) {
  torch::manual_seed(1);
  const auto mask = torch::tensor({1, 1, 1, 0, 1, 1, 0, 0}).view({2, 4}).to(torch::kBool);
  for (const bool dynamic : {false, true}) {
    auto layer = lightweight(dynamic);
    const auto call = [&](const torch::Tensor& x) {
      return layer->forward(x, {.key_padding = mask});
    };
    EXPECT_LT(ops::gradient_error(call, doubles({2, 4, 6})), 1e-7);
  }
}

TEST(LightweightConv, OfALayerItsModulesAreTheLayersOwn) {
  const auto mixer = std::make_shared<LightweightConvImpl>(LightweightConvConfig{
      .dim = 4, .num_heads = 2, .kernel_size = 3, .weight_drop = 0.5, .conv_key = "conv"});
  TransformerLayer layer(TransformerLayerConfig{.dim = 4, .mlp_dim = 4, .keys = {.mixer = ""}},
                         mixer);
  const auto parameters = layer->named_parameters();
  for (const char* name : {"linear1.weight", "conv.weight", "linear2.bias", "fc1.weight"})
    EXPECT_TRUE(parameters.contains(name)) << name;
  layer->eval();
  EXPECT_FALSE(mixer->is_training());
  layer->train();
  EXPECT_TRUE(mixer->is_training());
}

TEST(GroupedLinear, IsALinearLayerPerGroup) {
  torch::manual_seed(1);
  GroupedLinear layer(6, 4, 2);
  layer->to(torch::kDouble);
  const auto x = doubles({2, 3, 6});
  std::vector<torch::Tensor> parts;
  for (int64_t g = 0; g < 2; ++g) parts.push_back(x.narrow(2, 3 * g, 3).matmul(layer->weight[g]));
  EXPECT_TRUE(layer->forward(x).allclose(torch::cat(parts, 2) + layer->bias, 0, 1e-12));
  EXPECT_LT(ops::gradient_error([&](const torch::Tensor& t) { return layer->forward(t); }, x),
            1e-8);
}

}  // namespace
}  // namespace braid::nn
