// Simplified graphs compute what the model computes, in fewer operators.
#include "braid/graph/passes/passes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "braid/graph/capture.h"
#include "braid/graph/describe.h"
#include "braid/graph/replay.h"
#include "braid/graph/verify.h"
#include "braid/models/macs.h"
#include "braid/models/registry.h"
#include "braid/models/vision/cost.h"
#include "tests/graph/disturb.h"

namespace braid::graph {
namespace {

using Tensors = CaptureRequest::Tensors;

Graph capture_function(const std::function<torch::Tensor(const torch::Tensor&)>& run,
                       const std::vector<int64_t>& sizes) {
  return capture({.run = [run](const Tensors& x) { return Tensors{run(x.at(0))}; },
                  .example =
                      [sizes](Sizes of_run) {
                        auto shape = sizes;
                        shape.insert(shape.begin(), of_run.batch);
                        return Tensors{torch::randn(shape)};
                      },
                  .module = nullptr,
                  .input_names = {},
                  .output_names = {}});
}

std::multiset<std::string> names_in(const Graph& graph) {
  std::multiset<std::string> names;
  for (const auto& node : graph.nodes) names.insert(node.name());
  return names;
}

class Simplified : public ::testing::TestWithParam<std::string> {};

TEST_P(Simplified, ComputesWhatTheModelDoes) {
  torch::manual_seed(3);
  auto model = models::create_model<models::ImageModel>(GetParam(), {{"num_classes", 5}}, 1);
  disturb(*model);
  model->eval();
  model->reparameterize();
  auto graph = capture(*model, model->img_size(), model->img_size());
  const auto before = graph.nodes.size();
  simplify(graph);
  EXPECT_LT(graph.nodes.size(), before);
  EXPECT_LT(deviation_on_noise(graph, *model, 4).relative, 2e-5);
  const auto names = names_in(graph);
  for (const char* gone : {"aten::dropout", "aten::add_", "aten::relu_", "aten::view",
                           "aten::flatten", "aten::addmm", "aten::transpose"})
    EXPECT_EQ(names.count(gone), 0u) << gone;
}

INSTANTIATE_TEST_SUITE_P(Families, Simplified,
                         ::testing::Values("resnet20", "cct_2_3x2_32", "vit_lite_7_4_32"));

TEST(FoldBatchNorm, LeavesNoneInAResnet) {
  auto model = models::create_model<models::ImageModel>("resnet20");
  model->eval();
  auto graph = capture(*model, 32, 32);
  EXPECT_GT(names_in(graph).count("aten::batch_norm"), 0u);
  simplify(graph);
  EXPECT_EQ(names_in(graph).count("aten::batch_norm"), 0u);
}

// A norm may join only a layer that nothing else reads.
TEST(FoldBatchNorm, LeavesALayerAloneThatIsReadTwice) {
  torch::nn::Conv2d conv(torch::nn::Conv2dOptions(2, 3, 1));
  torch::nn::BatchNorm2d norm(3);
  norm->running_mean.fill_(0.5);
  norm->eval();
  const auto run = [&](const torch::Tensor& x) {
    const auto y = conv->forward(x);
    return norm->forward(y) + y;
  };
  auto graph = capture_function(run, {2, 4, 4});
  simplify(graph);
  EXPECT_EQ(names_in(graph).count("aten::batch_norm"), 1u);
  const auto x = torch::randn({2, 2, 4, 4});
  EXPECT_TRUE(torch::allclose(replay(graph, {x}).at(0), run(x), 1e-5, 1e-6));
}

// Of two norms in a row the first may join the layer, the second no more where something else reads
// what the first one gives.
TEST(FoldBatchNorm, StopsWhereAFoldedNormIsReadTwice) {
  torch::nn::Conv2d conv(torch::nn::Conv2dOptions(2, 3, 1));
  torch::nn::BatchNorm2d first(3), second(3);
  first->running_mean.fill_(0.5);
  second->running_var.fill_(4);
  first->eval();
  second->eval();
  for (const bool shared : {true, false}) {
    const auto run = [&](const torch::Tensor& x) {
      const auto y = first->forward(conv->forward(x));
      return shared ? second->forward(y) + y : second->forward(y);
    };
    auto graph = capture_function(run, {2, 4, 4});
    simplify(graph);
    EXPECT_EQ(names_in(graph).count("aten::batch_norm"), shared ? 1u : 0u);
    const auto x = torch::randn({2, 2, 4, 4});
    EXPECT_TRUE(torch::allclose(replay(graph, {x}).at(0), run(x), 1e-5, 1e-6)) << shared;
  }
}

TEST(FoldBatchNorm, ReachesALinearLayerThroughAReshape) {
  torch::nn::BatchNorm1d norm(3);
  norm->running_mean.fill_(0.5);
  norm->running_var.fill_(4);
  norm->eval();
  const auto weight = torch::randn({3, 4});
  const auto run = [&](const torch::Tensor& x) {  // x: [N,5,4]
    const auto y = at::linear(x, weight);
    return norm->forward(y.flatten(0, 1)).reshape_as(y);
  };
  auto graph = capture_function(run, {5, 4});
  simplify(graph);
  EXPECT_EQ(names_in(graph), (std::multiset<std::string>{"aten::linear"}));
  const auto x = torch::randn({2, 5, 4});
  EXPECT_TRUE(torch::allclose(replay(graph, {x}).at(0), run(x), 1e-5, 1e-6));
}

TEST(FormLinear, FromMatmulAndAdd) {
  const auto weight = torch::randn({3, 4}), bias = torch::randn({3});
  const auto run = [&](const torch::Tensor& x) { return x.matmul(weight.t()).add_(bias); };
  auto graph = capture_function(run, {5, 4});
  simplify(graph);
  EXPECT_EQ(names_in(graph), (std::multiset<std::string>{"aten::linear"}));
  const auto x = torch::randn({2, 5, 4});
  EXPECT_TRUE(torch::allclose(replay(graph, {x}).at(0), run(x), 1e-5, 1e-6));
}

TEST(FormLinear, LeavesABiasAloneThatHasMoreDimensions) {
  const auto weight = torch::randn({4, 3}), bias = torch::randn({1, 1, 3});
  const auto run = [&](const torch::Tensor& x) { return x.matmul(weight) + bias; };  // [1,N,3]
  auto graph = capture_function(run, {4});
  simplify(graph);
  const auto x = torch::randn({2, 4});
  EXPECT_EQ(replay(graph, {x}).at(0).sizes(), run(x).sizes());
}

TEST(Canonicalize, AViewAsAnotherTypeIsNoReshape) {
  const auto run = [](const torch::Tensor& x) { return x.view(torch::kInt) + 1; };
  auto graph = capture_function(run, {4});
  simplify(graph);
  const auto x = torch::randn({2, 4});
  EXPECT_TRUE(torch::equal(replay(graph, {x}).at(0), run(x)));
}

TEST(FormLinear, LeavesABiasAloneThatIsNotPerColumn) {
  const auto weight = torch::randn({4, 3}), bias = torch::randn({5, 1});
  const auto run = [&](const torch::Tensor& x) { return x.matmul(weight) + bias; };
  auto graph = capture_function(run, {5, 4});
  simplify(graph);
  EXPECT_EQ(names_in(graph).count("aten::add"), 1u);
  const auto x = torch::randn({2, 5, 4});
  EXPECT_TRUE(torch::allclose(replay(graph, {x}).at(0), run(x), 1e-5, 1e-6));
}

TEST(Identities, JoinPermutationsAndReshapes) {
  const auto run = [](const torch::Tensor& x) {  // [N,2,3,4]
    return x.permute({0, 2, 3, 1}).transpose(1, 2).reshape({-1, 4, 6}).flatten(1) +
           x.transpose(1, 3).permute({0, 3, 2, 1}).contiguous().reshape({-1, 24});
  };
  auto graph = capture_function(run, {2, 3, 4});
  simplify(graph);
  EXPECT_EQ(names_in(graph), (std::multiset<std::string>{"aten::permute", "aten::reshape",
                                                         "aten::reshape", "aten::add"}));
  const auto x = torch::randn({3, 2, 3, 4});
  EXPECT_TRUE(torch::equal(replay(graph, {x}).at(0), run(x)));
}

TEST(Identities, AnOutputIsMadeByAnOperator) {
  auto graph = capture_function([](const torch::Tensor& x) { return x.clone(); }, {4});
  simplify(graph);
  const auto x = torch::randn({3, 4});
  EXPECT_TRUE(torch::equal(replay(graph, {x}).at(0), x));
}

TEST(Describe, CountsParametersAndMacsAsTheModelDoes) {
  auto model = models::create_model<models::ImageModel>("resnet20");
  model->eval();
  const auto graph = capture(*model, 32, 32);
  int64_t params = 0, macs = 0, calls = 0;
  for (const auto& row : operator_rows(graph)) {
    params += row.params;
    macs += row.macs;
    calls += row.calls;
  }
  EXPECT_EQ(params, models::count_parameters(*model));
  EXPECT_EQ(macs, models::count_macs(*model, {1, 3, 32, 32}));
  EXPECT_EQ(calls, static_cast<int64_t>(graph.nodes.size()));
  EXPECT_EQ(node_rows(graph).at(0).outputs, (std::vector<std::string>{"Nx16x32x32"}));
}

TEST(Describe, DotHasEveryOperator) {
  const auto graph =
      capture_function([](const torch::Tensor& x) { return x.relu() + x.exp(); }, {4});
  const auto dot = to_dot(graph, "a \"b\"");
  EXPECT_THAT(dot, ::testing::StartsWith("digraph \"a \\\"b\\\"\" {"));
  for (const char* name : {"\"relu\"", "\"exp\"", "\"add\"", "\"Nx4\""})
    EXPECT_THAT(dot, ::testing::HasSubstr(name));
}

}  // namespace
}  // namespace braid::graph
