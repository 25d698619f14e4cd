// Corrections do what they promise, and those of the float graph leave it as it is.
#include <gtest/gtest.h>

#include "braid/compress/bias_correction.h"
#include "braid/compress/scaling.h"
#include "braid/graph/replay.h"
#include "tests/compress/graphs.h"

namespace braid::compress {
namespace {

torch::Tensor run(const Graph& graph, const torch::Tensor& x) {
  const torch::NoGradGuard no_grad;
  return graph::replay(graph, {x}).at(0);
}

// Weights of 4 bits shift the means of what positive inputs give.
TEST(BiasCorrection, RestoresTheMeans) {
  torch::manual_seed(0);
  const auto a = torch::randn({6, 4, 3, 3}), b = torch::randn({5, 6, 1, 1}),
             bias = torch::randn({5});
  auto graph = graph_of(
      [&](const torch::Tensor& x) {
        return at::conv2d(at::conv2d(x, a, {}, 1, 1).relu(), b, bias).mean({2, 3}) * 1;
      },
      {4, 8, 8});
  const auto x = torch::rand({64, 4, 8, 8});
  const auto placement = place(graph);
  const auto ranges = min_max_ranges(observe(graph, {{x}}, ranged_values(placement)));
  const auto weights = grids_of_weights(graph, placement, {.bits = 4});
  const auto off = [&](const torch::Tensor& y, const torch::Tensor& expected) {
    return (y.mean(0) - expected.mean(0)).abs().max().item<double>();
  };
  const auto expected = run(graph, x);
  const double before = off(run(insert_qdq(graph, placement, ranges, weights), x), expected);
  EXPECT_EQ(correct_biases(graph, placement, ranges, weights, {{x}}), 2);
  const double after = off(run(insert_qdq(graph, placement, ranges, weights), x), expected);
  EXPECT_GT(before, 0.05);
  EXPECT_LT(after, 0.03 * before + 0.03);
}

// The same means, whether the items come in one batch or in several.
TEST(BiasCorrection, CountsEveryItemOfEveryBatch) {
  torch::manual_seed(3);
  const auto a = torch::randn({6, 4}), b = torch::randn({5, 6}), x = torch::rand({64, 4});
  const auto make = [&] {
    return graph_of([&](const torch::Tensor& t) { return at::linear(at::linear(t, a).relu(), b); },
                    {4});
  };
  auto one = make(), several = make();
  const auto placement = place(one);
  const auto ranges = min_max_ranges(observe(one, {{x}}, ranged_values(placement)));
  const auto weights = grids_of_weights(one, placement, {.bits = 4});
  correct_biases(one, placement, ranges, weights, {{x}});
  correct_biases(several, placement, ranges, weights,
                 {{x.slice(0, 0, 5)}, {x.slice(0, 5, 50)}, {x.slice(0, 50, 64)}});
  EXPECT_TRUE(torch::allclose(run(one, x), run(several, x), 1e-5, 1e-6));
}

// Channels of the norm that differ a hundredfold.
Graph norm_into_layers() {
  torch::manual_seed(1);
  auto gain = torch::rand({16}) + 0.5;
  gain[3] = 80;
  const auto shift = torch::randn({16}), w = torch::randn({8, 16}), v = torch::randn({4, 16});
  return graph_of(
      [=](const torch::Tensor& x) {
        const auto y = at::layer_norm(x, {16}, gain, shift);
        return torch::cat({at::linear(y, w), at::linear(y, v)}, -1);
      },
      {5, 16});
}

TEST(Smoothing, KeepsTheFloatFunctionAndHelpsTheRounded) {
  auto graph = norm_into_layers();
  const auto x = torch::randn({32, 5, 16}), expected = run(graph, x);
  const auto rounded_error = [&] {
    const auto placement = place(graph);
    const auto ranges = mse_ranges(observe(graph, {{x}}, ranged_values(placement)));
    const auto q = insert_qdq(graph, placement, ranges, grids_of_weights(graph, placement, {}));
    return (run(q, x) - expected).square().mean().item<double>();
  };
  const double before = rounded_error();
  const auto scaled = smooth(graph, {{x}}, {});
  EXPECT_EQ(scaled.sites, 1);
  EXPECT_EQ(scaled.scaled, 1);
  EXPECT_LT((run(graph, x) - expected).abs().max().item<double>(),
            1e-5 * expected.abs().max().item<double>());
  EXPECT_LT(rounded_error(), 0.5 * before);
}

TEST(Smoothing, LeavesANormAloneThatSomethingElseReads) {
  const auto gain = torch::rand({4}), w = torch::randn({4, 4});
  auto graph = graph_of(
      [&](const torch::Tensor& x) {
        const auto y = at::layer_norm(x, {4}, gain, {});
        return y + at::linear(y, w);
      },
      {5, 4});
  EXPECT_TRUE(find_channel_paths(graph).empty() || !find_channel_paths(graph).front().from_norm);
  EXPECT_EQ(smooth(graph, {{torch::randn({8, 5, 4})}}, {}).sites, 0);
}

// 1x1 -> relu -> depthwise -> relu -> 1x1, with channels of very different sizes.
TEST(Equalization, KeepsTheFloatFunctionThroughDepthwiseConvolutions) {
  torch::manual_seed(2);
  const auto size = torch::logspace(-1, 1.5, 12).view({12, 1, 1, 1});
  const auto a = torch::randn({12, 4, 1, 1}) * size, b = torch::randn({12, 1, 3, 3}),
             c = torch::randn({4, 12, 1, 1}) / size.view({1, 12, 1, 1}), bias = torch::randn({12});
  auto graph = graph_of(
      [&](const torch::Tensor& x) {
        const auto y = at::conv2d(x, a, bias).relu();
        return at::conv2d(at::conv2d(y, b, {}, 1, 1, 1, 12).relu(), c);
      },
      {4, 8, 8});
  const auto x = torch::randn({16, 4, 8, 8}), expected = run(graph, x);
  const auto scaled = equalize(graph, {{x}}, {});
  EXPECT_EQ(scaled.sites, 2);
  EXPECT_GE(scaled.scaled, 1);
  EXPECT_LT((run(graph, x) - expected).abs().max().item<double>(),
            1e-5 * expected.abs().max().item<double>());
}

// The bridge of a hybrid: tokens become a feature map between a norm and a convolution, and a
// feature map becomes tokens between a convolution and a linear layer.
TEST(ChannelPaths, GoThroughBridges) {
  const auto gain = torch::rand({6}) + 0.5, shift = torch::randn({6}),
             kernel = torch::randn({8, 6, 1, 1}), w = torch::randn({3, 8});
  auto graph = graph_of(
      [&](const torch::Tensor& x) {  // [N,16,6]
        const auto map = at::layer_norm(x, {6}, gain, shift).transpose(1, 2).reshape({-1, 6, 4, 4});
        const auto y = at::conv2d(map, kernel);
        return at::linear(y.flatten(2).transpose(1, 2), w);
      },
      {16, 6});
  const auto paths = find_channel_paths(graph);
  ASSERT_EQ(paths.size(), 2u);
  EXPECT_TRUE(paths[0].from_norm);
  EXPECT_EQ(paths[0].channels, 6);
  EXPECT_EQ(paths[1].channels, 8);
  const auto x = torch::randn({3, 16, 6}), expected = run(graph, x);
  scale_channels(graph, paths[0], torch::rand({6}) + 0.5);
  scale_channels(graph, paths[1], torch::rand({8}) + 0.5);
  EXPECT_TRUE(torch::allclose(run(graph, x), expected, 1e-4, 1e-5));
}

// A reshape that cuts the channels into heads ends a path.
TEST(ChannelPaths, EndWhereChannelsAreCut) {
  const auto w = torch::randn({8, 8}), v = torch::randn({4, 4});
  const auto graph = graph_of(
      [&](const torch::Tensor& x) {
        return at::linear(at::linear(x, w).reshape({-1, 5, 2, 4}), v);
      },
      {5, 8});
  EXPECT_TRUE(find_channel_paths(graph).empty());
}

TEST(ChannelPaths, KnowGroupedConvolutions) {
  const auto a = torch::randn({6, 3, 1, 1}), b = torch::randn({4, 3, 3, 3});
  auto graph = graph_of(
      [&](const torch::Tensor& x) {
        return at::conv2d(at::conv2d(x, a).relu(), b, {}, 1, 1, 1, 2);
      },
      {3, 6, 6});
  const auto paths = find_channel_paths(graph);
  ASSERT_EQ(paths.size(), 1u);
  EXPECT_TRUE(torch::allclose(largest_weights(graph, graph.nodes[paths[0].consumers[0]], 6)[4],
                              b.slice(0, 2, 4).select(1, 1).abs().max()));
  const auto x = torch::randn({2, 3, 6, 6}), expected = run(graph, x);
  scale_channels(graph, paths[0], torch::rand({6}) + 0.5);
  EXPECT_TRUE(torch::allclose(run(graph, x), expected, 1e-4, 1e-4));
}

TEST(ChannelScales, AreOneForDeadChannelsAndOneOnAverage) {
  const auto scales =
      channel_scales(torch::tensor({4.0f, 0.0f, 1.0f}), torch::tensor({1.0f, 1.0f, 1.0f}), 0.5);
  EXPECT_NEAR(scales[0].item<double>(), 1.41421, 1e-4);
  EXPECT_EQ(scales[1].item<double>(), 1);
  EXPECT_NEAR(scales[2].item<double>(), 0.70711, 1e-4);
}

}  // namespace
}  // namespace braid::compress
