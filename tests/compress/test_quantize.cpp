// The ladder as a whole.
#include "braid/compress/quantize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "braid/compress/sensitivity.h"
#include "braid/core/error.h"
#include "braid/graph/replay.h"
#include "tests/compress/graphs.h"

namespace braid::compress {
namespace {

Samples noise(int64_t batches, std::vector<int64_t> sizes) {
  Samples samples;
  sizes.insert(sizes.begin(), 32);
  for (int64_t i = 0; i < batches; ++i) samples.batches.push_back({torch::randn(sizes)});
  return samples;
}

// A convolutional stem, a norm with outlying channels, a classifier.
graph::Graph network() {
  torch::manual_seed(4);
  auto gain = torch::rand({16}) + 0.5;
  gain[5] = 40;
  const auto stem = torch::randn({16, 3, 3, 3}), shift = torch::randn({16}),
             a = torch::randn({32, 16}) / 4, b = torch::randn({6, 32}) / 4;
  return graph_of(
      [=](const torch::Tensor& x) {
        const auto tokens = at::conv2d(x, stem, {}, 2, 1).relu().flatten(2).transpose(1, 2);
        const auto y = at::layer_norm(tokens, {16}, gain, shift);
        return at::linear(at::gelu(at::linear(y, a)).mean(1), b);
      },
      {3, 8, 8});
}

// Whether a step was shown in a bar, and whether the last bar was ended.
struct Bars : Progress {
  void begin(const std::string&, int64_t) override { open = true; }
  void update(int64_t, const std::string& text) override {
    if (open) shown.push_back(text);
  }
  void end() override { open = false; }
  bool open = false;
  std::vector<std::string> shown;
};

TEST(Quantize, EveryStepIsShown) {
  const auto graph = network();
  const Judge judge(graph, noise(4, {3, 8, 8}));
  Bars bars;
  const auto out = quantize(graph, noise(4, {3, 8, 8}).batches, judge,
                            {.max_drop = 100, .weight_bits = 4, .qat_steps = 2}, bars);
  for (const auto& row : out.steps)
    EXPECT_TRUE(std::count(bars.shown.begin(), bars.shown.end(), row.step)) << row.step;
  EXPECT_FALSE(bars.open);
}

TEST(Quantize, ClimbsAndEndsBelowTheNaiveTwin) {
  const auto graph = network();
  const Judge judge(graph, noise(4, {3, 8, 8}));
  Progress silent;
  const auto out = quantize(graph, noise(4, {3, 8, 8}).batches, judge, {.max_drop = 100}, silent);
  ASSERT_GE(out.steps.size(), 5u);
  EXPECT_EQ(out.steps[0].step, "float32");
  EXPECT_EQ(out.steps[0].kl, 0);
  EXPECT_EQ(out.steps[1].step, "naive");
  EXPECT_LT(out.quality.kl, out.steps[1].kl);
  double kl = out.steps[2].kl;
  for (size_t i = 3; i < out.steps.size(); ++i) {
    if (out.steps[i].kept) {
      EXPECT_LE(out.steps[i].kl, kl) << out.steps[i].step;
    }
    kl = out.steps[i].kept ? out.steps[i].kl : kl;
  }
  EXPECT_TRUE(out.float_modules.empty());
  EXPECT_DOUBLE_EQ(judge.of(out.graph).kl, out.quality.kl);
}

TEST(Quantize, FallsBackUntilTheDropHolds) {
  const auto graph = network();
  const Judge judge(graph, noise(4, {3, 8, 8}));
  Progress silent;
  const auto out = quantize(graph, noise(1, {3, 8, 8}).batches, judge,
                            {.max_drop = 1e-9, .weight_bits = 4}, silent);
  EXPECT_LE(judge.drop(out.quality), 1e-9);
  EXPECT_FALSE(out.float_modules.empty());
}

TEST(Quantize, TrainsWeightsToBeRounded) {
  const auto graph = network();
  const Judge judge(graph, noise(4, {3, 8, 8}));
  const auto calibration = noise(8, {3, 8, 8}).batches;
  Progress silent;
  QuantizeOptions options{.max_drop = 100, .weight_bits = 4};
  const auto before = quantize(graph, calibration, judge, options, silent);
  options.qat_steps = 60;
  options.qat_lr = 3e-3;
  const auto out = quantize(graph, calibration, judge, options, silent);
  ASSERT_EQ(out.steps.size(), before.steps.size() + 1);
  const auto& step = out.steps.back();
  EXPECT_EQ(step.step, "quantization-aware training");
  EXPECT_TRUE(step.kept);
  EXPECT_LT(out.quality.kl, 0.7 * before.quality.kl);
  EXPECT_DOUBLE_EQ(judge.of(out.graph).kl, out.quality.kl);
  for (const auto& value : out.graph.values)
    EXPECT_FALSE(value.constant.defined() && value.constant.requires_grad());
  options.qat_lr = 30;  // ruins them
  const auto ruined = quantize(graph, calibration, judge, options, silent);
  EXPECT_FALSE(ruined.steps.back().kept);
  EXPECT_DOUBLE_EQ(ruined.quality.kl, before.quality.kl);
}

TEST(Quantize, TrainsBiasesAndLeavesTheModelAlone) {
  torch::manual_seed(6);
  torch::nn::Linear first(12, 24), second(24, 24), third(24, 5);
  const auto graph = graph_of(
      [&](const torch::Tensor& x) {
        return third->forward(second->forward(first->forward(x).relu()).relu());
      },
      {12});
  const Judge judge(graph, noise(4, {12}));
  const auto calibration = noise(8, {12}).batches;
  Progress silent;
  QuantizeOptions options{.max_drop = 100, .weight_bits = 4};
  const auto biases_of = [](const graph::Graph& of) {
    std::vector<torch::Tensor> biases;
    for (const auto& node : of.nodes)
      if (node.name() == "aten::linear") biases.push_back(of.at(node.value("bias")).constant);
    return biases;
  };
  const auto before = biases_of(quantize(graph, calibration, judge, options, silent).graph);
  options.qat_steps = 60;
  options.qat_lr = 1e-3;
  const auto out = quantize(graph, calibration, judge, options, silent);
  ASSERT_TRUE(out.steps.back().kept);
  const auto after = biases_of(out.graph);
  ASSERT_EQ(after.size(), 3U);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_FALSE(after[i].equal(before.at(i)));
    EXPECT_TRUE(after[i].allclose(before.at(i), 0, 0.1));
  }
  for (const auto& layer : {first, second, third})
    for (const auto& parameter : layer->parameters()) EXPECT_FALSE(parameter.grad().defined());
}

TEST(Quantize, WhatWasTrainedFallsBackToTheFloatModel) {
  const auto graph = network();
  const Judge judge(graph, noise(60, {3, 8, 8}));
  Progress silent;
  const auto out =
      quantize(graph, noise(1, {3, 8, 8}).batches, judge,
               {.max_drop = 1e-9, .weight_bits = 4, .qat_steps = 3, .qat_lr = 1e-3}, silent);
  EXPECT_TRUE(std::any_of(out.steps.begin(), out.steps.end(), [](const StepRow& row) {
    return row.step == "quantization-aware training" && row.kept;
  }));
  EXPECT_LE(judge.drop(out.quality), 1e-9);
  EXPECT_FALSE(out.float_modules.empty());
}

TEST(Quantize, RefusesNothingToCalibrateWithAndWrongOptions) {
  const auto graph = network();
  const Judge judge(graph, noise(1, {3, 8, 8}));
  Progress silent;
  EXPECT_THROW(quantize(graph, {}, judge, {}, silent), DataError);
  EXPECT_THROW(quantize(graph, judge.samples().batches, judge, {.mode = "fast"}, silent),
               UsageError);
  EXPECT_THROW(quantize(graph, judge.samples().batches, judge, {.qat_lr = 0}, silent), UsageError);
  EXPECT_THROW(
      quantize(graph, judge.samples().batches, judge, {.mode = "naive", .qat_steps = 9}, silent),
      UsageError);
}

TEST(RankBySensitivity, FindsTheLayerThatSuffers) {
  torch::manual_seed(5);
  auto a = torch::randn({8, 8}), b = torch::randn({8, 8}), c = torch::randn({4, 8});
  const auto graph = graph_of(
      [=](const torch::Tensor& x) {
        // exp has a heavy tail, which leaves few steps to most of its numbers.
        return at::linear(at::linear(at::linear(x, a), b).mul(0.7).exp(), c);
      },
      {8});
  const Judge judge(graph, noise(2, {8}));
  const auto placement = place(graph);
  const auto ranges =
      min_max_ranges(observe(graph, judge.samples().batches, ranged_values(placement)));
  const auto ranked =
      rank_by_sensitivity(graph, placement, ranges, grids_of_weights(graph, placement, {}), judge);
  ASSERT_EQ(ranked.size(), 3u);
  EXPECT_EQ(ranked[0].unit, graph.nodes.back().outputs[0]);
}

// The softmax of one logit is 1, whatever a quantization did to it.
TEST(Judge, SeesAChangeOfOneLogit) {
  const auto reference = torch::tensor({{1.0f}, {-2.0f}, {0.5f}, {3.0f}});
  const auto same = compare_logits(reference, reference, {});
  EXPECT_EQ(same.kl, 0);
  EXPECT_EQ(same.error, 0);
  EXPECT_EQ(same.agreement, 100);
  EXPECT_EQ(same.expected_drop, 0);
  auto other = reference.clone();
  other[2] = -0.5f;
  const auto quality = compare_logits(reference, other, torch::zeros({4}, torch::kLong));
  const double p = 1 / (1 + std::exp(-0.5)), q = 1 - p;
  EXPECT_NEAR(quality.kl, (p * std::log(p / q) + q * std::log(q / p)) / 4, 1e-6);
  EXPECT_NEAR(quality.error, 1.0 / 4 / (1.0 / 4 * (0.140625 + 6.890625 + 0.015625 + 5.640625)),
              1e-6);
  EXPECT_EQ(quality.agreement, 75);
  EXPECT_NEAR(quality.expected_drop, 100 * (p - q) / 4, 1e-6);
  EXPECT_EQ(*quality.top1, 100) << "the one class is right wherever it is the label";
  const auto further = compare_logits(reference, reference + 1, {});
  EXPECT_GT(compare_logits(reference, reference + 2, {}).kl, further.kl);
}

// Training to give the float model's classes would have nothing to learn.
TEST(Quantize, TrainsModelsOfOneLogit) {
  torch::manual_seed(6);
  const auto a = torch::randn({16, 8}) / 3, b = torch::randn({1, 16}) / 4;
  const auto graph =
      graph_of([=](const torch::Tensor& x) { return at::linear(at::linear(x, a).relu(), b); }, {8});
  const Judge judge(graph, noise(4, {8}));
  Progress silent;
  const auto out = quantize(graph, noise(4, {8}).batches, judge,
                            {.max_drop = 100, .weight_bits = 4, .qat_steps = 40}, silent);
  EXPECT_GT(out.steps.at(1).kl, 0) << "the naive twin's";
  EXPECT_LT(out.quality.kl, out.steps[1].kl);
}

// With labels, too, whose top-1 is 100 whatever is left of the model.
TEST(Judge, LosesPointsOfOneLogit) {
  const auto ones = torch::ones({1, 8});
  const auto graph_with = [&](const torch::Tensor& weight) {
    return graph_of([=](const torch::Tensor& x) { return at::linear(x, weight); }, {8});
  };
  auto samples = noise(4, {8});
  for (const auto& batch : samples.batches)
    samples.labels.push_back(torch::zeros({batch.at(0).size(0)}, torch::kLong));
  const Judge judge(graph_with(ones), samples);
  EXPECT_EQ(judge.drop(judge.of(graph_with(ones))), 0);
  const auto turned = judge.of(graph_with(-ones));
  EXPECT_EQ(turned.top1, 100);
  EXPECT_GT(judge.drop(turned), 0);
}

TEST(Judge, KnowsTheTopOneAndItsDrop) {
  const auto reference = torch::tensor({{2.0f, 0.0f}, {0.0f, 1.0f}, {3.0f, 0.0f}, {0.0f, 3.0f}});
  auto other = reference.clone();
  other[1] = torch::tensor({1.0f, 0.0f});
  const auto labels = torch::tensor({0, 1, 0, 0}, torch::kLong);
  const auto quality = compare_logits(reference, other, labels);
  EXPECT_EQ(quality.agreement, 75);
  EXPECT_EQ(*quality.top1, 50);
  const double p = 1 / (1 + std::exp(-1.0));
  EXPECT_NEAR(quality.expected_drop, 100 * (p - (1 - p)) / 4, 1e-6);
  EXPECT_NEAR(quality.kl, (p * std::log(p / (1 - p)) + (1 - p) * std::log((1 - p) / p)) / 4, 1e-6);
  EXPECT_FALSE(compare_logits(reference, other, {}).top1);
}

}  // namespace
}  // namespace braid::compress
