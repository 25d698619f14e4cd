// What a graph is captured from, and what is refused.
#include "braid/graph/capture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "braid/core/error.h"
#include "braid/graph/replay.h"
#include "braid/models/registry.h"
#include "braid/runtime/eval_scope.h"

namespace braid::graph {
namespace {

using ::testing::HasSubstr;
using Tensors = CaptureRequest::Tensors;

// x: [N,4]
CaptureRequest function_of(const std::function<torch::Tensor(const torch::Tensor&)>& run) {
  return {.run = [run](const Tensors& x) { return Tensors{run(x.at(0))}; },
          .example =
              [](Sizes sizes) {
                return Tensors{torch::randn({sizes.batch, 4})};
              },
          .module = nullptr,
          .input_names = {"x"},
          .output_names = {"y"}};
}

Graph capture_function(const std::function<torch::Tensor(const torch::Tensor&)>& run) {
  return capture(function_of(run));
}

void expect_refusal(const std::function<torch::Tensor(const torch::Tensor&)>& run,
                    const std::vector<std::string>& words) {
  try {
    capture_function(run);
    ADD_FAILURE() << "was captured";
  } catch (const DataError& e) {
    for (const auto& word : words) EXPECT_THAT(e.what(), HasSubstr(word));
  }
}

std::vector<std::string> names_of(const Graph& graph) {
  std::vector<std::string> names;
  for (const auto& node : graph.nodes) names.push_back(node.name());
  return names;
}

models::ImageModelPtr small_model(const std::string& name) {
  auto model = models::create_model<models::ImageModel>(name, {{"num_classes", 5}}, 1);
  model->eval();
  return model;
}

class SmallModels : public ::testing::TestWithParam<std::string> {};

TEST_P(SmallModels, ReplayEqualsTheModelToTheBitAtAnotherBatch) {
  const auto model = small_model(GetParam());
  const auto graph = capture(*model, model->img_size(), model->img_size());
  const runtime::EvalScope scope(*model);
  const auto x = torch::randn({5, model->in_chans(), model->img_size(), model->img_size()});
  EXPECT_TRUE(torch::equal(replay(graph, {x}).at(0), model->forward(x)));
  EXPECT_EQ(to_text(graph.at(graph.outputs.at(0)).shape), "Nx5");
  EXPECT_EQ(graph.at(graph.inputs.at(0)).name, "pixel_values");
  EXPECT_EQ(graph.at(graph.outputs.at(0)).name, "logits");
}

INSTANTIATE_TEST_SUITE_P(Families, SmallModels,
                         ::testing::Values("resnet20", "cct_2_3x2_32", "vit_lite_7_4_32"));

TEST(Capture, NamesParametersAndModules) {
  const auto graph = capture(*small_model("resnet20"), 32, 32);
  const auto& first = graph.nodes.at(0);
  EXPECT_EQ(first.name(), "aten::conv2d");
  EXPECT_EQ(first.module, "conv1");
  const auto& weight = graph.at(first.value("weight"));
  EXPECT_EQ(weight.name, "conv1.weight");
  EXPECT_TRUE(weight.learned);
  for (const auto& node : graph.nodes)
    if (node.name() == "aten::batch_norm") {
      EXPECT_FALSE(graph.at(node.value("running_mean")).learned);
      break;
    }
}

TEST(Capture, IntegersFollowTheBatchAsScaleAndOffset) {
  const auto graph = capture_function([](const torch::Tensor& x) {
    return torch::cat({x.repeat({2, 1}), torch::ones({x.size(0), 4}), torch::zeros({1, 4})});
  });
  EXPECT_EQ(to_text(graph.at(graph.outputs.at(0)).shape), "3N+1x4");
  const auto x = torch::randn({7, 4});
  const auto y = replay(graph, {x}).at(0);
  EXPECT_EQ(y.size(0), 22);
  EXPECT_TRUE(torch::equal(y.slice(0, 7, 14), x));
}

TEST(Capture, WhatNeedsNoInputIsAConstant) {
  const auto graph = capture_function(
      [](const torch::Tensor& x) { return x * torch::arange(4, torch::kFloat).square(); });
  EXPECT_EQ(names_of(graph), (std::vector<std::string>{"aten::mul"}));
  EXPECT_TRUE(graph.is_constant(graph.nodes.at(0).value("other")));
}

TEST(Capture, WhatTheOutputDoesNotNeedIsLeftOut) {
  const auto graph = capture_function([](const torch::Tensor& x) {
    (void)x.exp();
    return x.relu();
  });
  EXPECT_EQ(names_of(graph), (std::vector<std::string>{"aten::relu"}));
}

TEST(Capture, InPlaceOperatorsGiveNewValues) {
  const auto graph = capture_function([](const torch::Tensor& x) {
    auto y = x.exp();
    y.add_(1).relu_();
    return y * 2;
  });
  const auto x = torch::randn({3, 4});
  EXPECT_TRUE(torch::equal(replay(graph, {x}).at(0), (x.exp() + 1).relu() * 2));
}

TEST(Capture, RefusesNumbersReadOutOfTensors) {
  expect_refusal([](const torch::Tensor& x) { return x * x.sum().item<float>(); },
                 {"aten::item", "a number read out", ".item()"});
}

TEST(Capture, RefusesRandomNumbers) {
  expect_refusal([](const torch::Tensor& x) { return x + torch::rand({4}); },
                 {"aten::add", "constants", "random"});
}

TEST(Capture, RefusesDecisionsByTheBatchSize) {
  expect_refusal([](const torch::Tensor& x) { return x.size(0) > 2 ? x.exp() : x.relu(); },
                 {"the same operators", "batch"});
  // The first two runs agree; the third does not.
  expect_refusal([](const torch::Tensor& x) { return (x.size(0) == 1 ? x : x + 1).exp(); },
                 {"computes what the model does"});
}

TEST(Capture, RefusesConstantsThatFollowTheBatch) {
  expect_refusal([](const torch::Tensor& x) { return x / static_cast<double>(x.size(0)); },
                 {"aten::div"});
}

TEST(Capture, RefusesReadsThroughAStaleAlias) {
  expect_refusal(
      [](const torch::Tensor& x) {
        const auto y = x.exp();
        y.view({-1}).add_(1);
        return y * 2;
      },
      {"aten::mul", "another view"});
}

TEST(Capture, RefusesWritesIntoConstants) {
  const auto state = torch::zeros({4});
  expect_refusal(
      [state](const torch::Tensor& x) {
        state.add_(x.mean(0));
        return x + state;
      },
      {"parameters and buffers that stay as they are"});
}

TEST(Capture, RefusesAnOutputThatIsConstant) {
  expect_refusal([](const torch::Tensor&) { return torch::ones({2}) + 1; }, {"output"});
}

TEST(Capture, AFailureLeavesNoObserver) {
  EXPECT_THROW(capture_function([](const torch::Tensor& x) -> torch::Tensor {
                 (void)x.exp();
                 throw ConfigError("test", "expected nothing, got this");
               }),
               ConfigError);
  EXPECT_EQ(names_of(capture_function([](const torch::Tensor& x) { return x.relu(); })).size(), 1u);
}

TEST(Replay, KeepsAutograd) {
  const auto model = small_model("cct_2_3x2_32");
  const auto graph = capture(*model, 32, 32);
  auto a = torch::randn({2, 3, 32, 32}), b = a.clone();
  a.requires_grad_(true);
  b.requires_grad_(true);
  model->forward(a).square().sum().backward();
  replay(graph, {b}).at(0).square().sum().backward();
  EXPECT_TRUE(torch::allclose(a.grad(), b.grad(), 1e-4, 1e-6));
}

TEST(Replay, RefusesOtherShapesAndTypes) {
  const auto graph = capture_function([](const torch::Tensor& x) { return x.relu(); });
  EXPECT_THROW(replay(graph, {torch::randn({2, 5})}), DataError);
  EXPECT_THROW(replay(graph, {torch::randn({2, 4, 1})}), DataError);
  EXPECT_THROW(replay(graph, {torch::ones({2, 4}, torch::kLong)}), DataError);
  EXPECT_THROW(replay(graph, {}), DataError);
}

}  // namespace
}  // namespace braid::graph
