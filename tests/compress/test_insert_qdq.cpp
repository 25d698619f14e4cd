// Where quantization is put, and that it computes what the formulas say.
#include "braid/compress/insert_qdq.h"

#include <gtest/gtest.h>

#include "braid/compress/decompose_attention.h"
#include "braid/core/error.h"
#include "braid/graph/replay.h"
#include "tests/compress/graphs.h"

namespace braid::compress {
namespace {

constexpr const char* kActivation = "aten::fake_quantize_per_tensor_affine";
constexpr const char* kWeight = "aten::fake_quantize_per_channel_affine";

Graph quantized(const Graph& graph, const torch::Tensor& x, const Placement& placement) {
  const auto observed = observe(graph, {{x}}, ranged_values(placement));
  return insert_qdq(graph, placement, min_max_ranges(observed),
                    grids_of_weights(graph, placement, {.by_mse = false}));
}

TEST(InsertQdq, ALinearLayerIsTheFormula) {
  torch::manual_seed(0);
  const auto weight = torch::randn({3, 4}), bias = torch::randn({3}), x = torch::randn({6, 4});
  const auto graph =
      graph_of([&](const torch::Tensor& t) { return at::linear(t, weight, bias); }, {4});
  const auto got = graph::replay(quantized(graph, x, place(graph)), {x}).at(0);
  const auto scales = weight.abs().amax(1) / 127;
  const auto w = round_weight(weight, {scales, 127});
  const auto in = fake_quantize(x, {x.min().item<double>(), x.max().item<double>()});
  EXPECT_TRUE(torch::allclose(got, at::linear(in, w, bias), 1e-5, 1e-6));
  EXPECT_FALSE(torch::allclose(got, at::linear(x, weight, bias), 1e-4, 1e-4));
}

// Three dimensions: a product with the weight inputs first, and a sum.
TEST(InsertQdq, ALinearLayerOfTokensIsTheSameFormula) {
  torch::manual_seed(0);
  const auto weight = torch::randn({3, 4}), bias = torch::randn({3}), x = torch::randn({2, 5, 4});
  const auto graph =
      graph_of([&](const torch::Tensor& t) { return at::linear(t, weight, bias); }, {5, 4});
  const auto q = quantized(graph, x, place(graph));
  EXPECT_EQ(count_of(q, "aten::matmul"), 1);
  const auto scales = weight.abs().amax(1) / 127;
  const auto w = round_weight(weight, {scales, 127});
  const auto in = fake_quantize(x, {x.min().item<double>(), x.max().item<double>()});
  EXPECT_TRUE(torch::allclose(graph::replay(q, {x}).at(0), at::linear(in, w, bias), 1e-5, 1e-6));
}

// conv -> relu -> conv, + the first: the input, both results and the sum; relu is part of the
// quantization that follows it.
TEST(Place, AResidualBlockOfConvolutions) {
  const auto a = torch::randn({3, 3, 3, 3}), b = torch::randn({3, 3, 3, 3}),
             c = torch::randn({3, 3, 1, 1});
  const auto graph = graph_of(
      [&](const torch::Tensor& x) {
        const auto y = at::conv2d(x, a, {}, 1, 1).relu();
        return at::conv2d((at::conv2d(y, b, {}, 1, 1) + y).relu(), c);
      },
      {3, 8, 8});
  const auto placement = place(graph);
  EXPECT_EQ(placement.units.size(), 4u);
  const auto q = quantized(graph, torch::randn({4, 3, 8, 8}), placement);
  EXPECT_EQ(count_of(q, kActivation), 4);  // x, y, the second convolution's, relu of the sum
  EXPECT_EQ(count_of(q, kWeight), 3);
}

// The stream of tokens stays in float: layers take quantized norms, sums do not.
TEST(Place, AResidualBlockOfTokens) {
  const auto w = torch::randn({4, 4}), gain = torch::rand({4});
  const auto graph = graph_of(
      [&](const torch::Tensor& x) {
        const auto y = x + at::linear(at::layer_norm(x, {4}, gain, {}), w);
        return y + at::linear(at::gelu(at::linear(at::layer_norm(y, {4}, gain, {}), w)), w);
      },
      {5, 4});
  const auto placement = place(graph);
  EXPECT_EQ(placement.units.size(), 3u);
  EXPECT_EQ(placement.sites.size(), 3u);  // two norms, gelu
  for (const auto& item : placement.sites) EXPECT_FALSE(item.second.for_all);
}

TEST(Place, QueriesKeysAndValues) {
  const auto w = torch::randn({24, 8});
  auto graph = graph_of(
      [&](const torch::Tensor& x) {
        const auto qkv = at::linear(x, w).reshape({-1, 5, 3, 2, 4}).permute({2, 0, 3, 1, 4});
        const auto parts = qkv.unbind(0);
        return at::scaled_dot_product_attention(parts[0], parts[1], parts[2]);
      },
      {5, 8});
  const auto x = torch::randn({3, 5, 8});
  const auto before = graph::replay(graph, {x}).at(0);
  decompose_attention(graph);
  EXPECT_TRUE(torch::allclose(graph::replay(graph, {x}).at(0), before, 1e-5, 1e-6));
  const auto placement = place(graph);
  EXPECT_EQ(placement.units.size(), 3u);  // the layer, two products
  // x, q, k, its transposition, softmax, v
  EXPECT_EQ(placement.sites.size(), 6u);
}

TEST(DecomposeAttention, KeepsMasksAndScale) {
  auto mask = torch::zeros({5, 5});
  mask[0][3] = -100;
  const auto seen = torch::ones({5, 5}, torch::kBool).tril();
  for (const bool causal : {false, true}) {
    auto graph = graph_of(
        [&](const torch::Tensor& x) {
          if (causal) return at::scaled_dot_product_attention(x, x * 2, x, {}, 0, true);
          return at::scaled_dot_product_attention(x, x * 2, x, mask, 0, false, 0.3) +
                 at::scaled_dot_product_attention(x, x, x, seen);
        },
        {2, 5, 4});
    const auto x = torch::randn({3, 2, 5, 4});
    const auto before = graph::replay(graph, {x}).at(0);
    decompose_attention(graph);
    EXPECT_EQ(count_of(graph, "aten::scaled_dot_product_attention"), 0);
    EXPECT_TRUE(torch::allclose(graph::replay(graph, {x}).at(0), before, 1e-5, 1e-6));
  }
}

TEST(Place, FallenBackLayersTakeFloats) {
  const auto w = torch::randn({4, 4}), x = torch::randn({6, 4});
  const auto graph =
      graph_of([&](const torch::Tensor& t) { return at::linear(at::linear(t, w).relu(), w); }, {4});
  const auto all = place(graph);
  ASSERT_EQ(all.units.size(), 2u);
  const auto one = place(graph, {*all.units.begin()});
  EXPECT_EQ(one.units.size(), 1u);
  EXPECT_EQ(one.sites.size(), 1u);
  const auto none = quantized(graph, x, place(graph, all.units));
  EXPECT_TRUE(torch::equal(graph::replay(none, {x}).at(0), graph::replay(graph, {x}).at(0)));
}

TEST(Place, EverywhereIsEverywhere) {
  const auto w = torch::randn({4, 4}), gain = torch::rand({4}), x = torch::randn({3, 5, 4});
  const auto graph = graph_of(
      [&](const torch::Tensor& t) {
        return at::linear(at::gelu(t + at::layer_norm(t, {4}, gain, {})), w).relu();
      },
      {5, 4});
  // x, norm, sum, gelu, linear; not the output
  EXPECT_EQ(place_everywhere(graph).sites.size(), 5u);
}

TEST(Observe, RefusesWhatIsNeverFinite) {
  const auto graph = graph_of([](const torch::Tensor& x) { return (x / 0).exp().neg(); }, {4});
  const auto values = ranged_values(place_everywhere(graph));
  EXPECT_THROW(observe(graph, {{torch::ones({2, 4})}}, values), DataError);
}

}  // namespace
}  // namespace braid::compress
