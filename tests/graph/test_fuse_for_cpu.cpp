// Graphs whose layers oneDNN computes with what follows them compute what the model does.
#include "braid/graph/passes/fuse_for_cpu.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>

#include "braid/core/cpu.h"
#include "braid/graph/capture.h"
#include "braid/graph/passes/passes.h"
#include "braid/graph/replay.h"
#include "braid/models/registry.h"
#include "braid/models/vision/image_model.h"
#include "braid/runtime/autocast.h"
#include "tests/graph/disturb.h"

namespace braid::graph {
namespace {

using torch::Tensor;

int64_t count(const Graph& graph, const std::string& name) {
  return std::count_if(graph.nodes.begin(), graph.nodes.end(),
                       [&](const Node& node) { return node.name() == name; });
}

struct Case {
  std::string model;
  int64_t channels, size;
};

models::ImageModelPtr make(const Case& c) {
  torch::manual_seed(3);
  auto model = models::create_model<models::ImageModel>(
      c.model, {{"num_classes", 5}, {"in_chans", c.channels}, {"img_size", c.size}}, 1);
  disturb(*model);
  model->eval();
  return model;
}

Graph simplified(models::ImageModel& model, int64_t size) {
  auto graph = capture(model, size, size);
  simplify(graph);
  return graph;
}

double deviation(const Tensor& got, const Tensor& expected) {
  return ((got - expected).abs().max() / expected.abs().max()).item<double>();
}

class FusedForCpu : public ::testing::TestWithParam<Case> {};

TEST_P(FusedForCpu, ComputesWhatTheModelDoes) {
  const auto& c = GetParam();
  const auto model = make(c);
  auto graph = simplified(*model, c.size);
  fuse_for_cpu(graph, torch::kFloat);
  EXPECT_EQ(count(graph, "aten::conv2d"), 0);
  EXPECT_GT(count(graph, "mkldnn::_convolution_pointwise") +
                count(graph, "mkldnn::_linear_pointwise") +
                count(graph, "braid::winograd_conv3x3_packed"),
            0);
  const torch::NoGradGuard no_grad;
  const Replayer fused(std::move(graph));
  for (const int64_t batch : {1, 3}) {
    const auto images = torch::randn({batch, c.channels, c.size, c.size});
    EXPECT_LT(deviation(fused({images}).at(0), model->forward(images)), 1e-5) << batch;
    EXPECT_LT(deviation(fused({images.contiguous(at::MemoryFormat::ChannelsLast)}).at(0),
                        model->forward(images)),
              1e-5)
        << batch;
  }
}

TEST_P(FusedForCpu, IsAsCloseInBfloat16AsTheModel) {
  if (!cpu_has_bf16_matrix()) GTEST_SKIP() << "no products of bfloat16 on this processor";
  const auto& c = GetParam();
  const auto model = make(c);
  auto graph = simplified(*model, c.size);
  fuse_for_cpu(graph, torch::kBFloat16);
  const torch::NoGradGuard no_grad;
  const auto images = torch::randn({3, c.channels, c.size, c.size});
  const auto expected = model->forward(images);
  const runtime::Autocast autocast(torch::kCPU, "bfloat16");
  const double of_model = deviation(model->forward(images).to(torch::kFloat), expected);
  EXPECT_LT(deviation(replay(graph, {images}).at(0).to(torch::kFloat), expected),
            1.5 * of_model + 5e-3);
}

INSTANTIATE_TEST_SUITE_P(
    Models, FusedForCpu,
    ::testing::Values(Case{"resnet20", 3, 32}, Case{"airbench_nano", 1, 28},
                      Case{"mobilenetv3_small_100", 3, 64}, Case{"tf_efficientnet_lite0", 3, 64},
                      Case{"convnext_atto", 3, 64}, Case{"mobilevit_xxs", 3, 64},
                      Case{"vit_nano_patch7_gap_28", 1, 28}, Case{"airvit_nano", 1, 28},
                      Case{"repvit_m1", 3, 64}, Case{"efficientformerv2_s0", 3, 64}),
    [](const auto& info) { return info.param.model; });

TEST(FuseForCpu, TakesInSumsAndActivations) {
  const auto model = make({"resnet20", 3, 32});
  auto graph = simplified(*model, 32);
  ASSERT_GT(count(graph, "aten::relu"), 0);
  const int64_t sums = count(graph, "aten::add");
  ASSERT_GT(sums, 0);
  fuse_for_cpu(graph, torch::kFloat);
  EXPECT_EQ(count(graph, "aten::relu"), 0);
  EXPECT_EQ(count(graph, "aten::add"), 0);
  EXPECT_EQ(std::count_if(graph.nodes.begin(), graph.nodes.end(),
                          [](const Node& node) {
                            return node.op.operator_name().overload_name == "binary" ||
                                   (node.has("other") && !node.is_none("other"));
                          }),
            sums);
  EXPECT_GT(count(graph, "braid::winograd_conv3x3_packed"), 0) << "of large maps";
}

void expect_same(const std::function<Tensor(const Tensor&)>& run) {
  auto graph = capture(
      {.run =
           [run](const CaptureRequest::Tensors& x) { return CaptureRequest::Tensors{run(x[0])}; },
       .example =
           [](Sizes sizes) {
             return CaptureRequest::Tensors{torch::randn({sizes.batch, 4, 5, 5})};
           },
       .module = nullptr,
       .input_names = {},
       .output_names = {}});
  simplify(graph);
  fuse_for_cpu(graph, torch::kFloat);
  const torch::NoGradGuard no_grad;
  const auto x = torch::randn({2, 4, 5, 5});
  EXPECT_LT(deviation(replay(graph, {x}).at(0), run(x)), 1e-6);
}

TEST(FuseForCpu, TakesAnActivationBehindAReshape) {
  torch::manual_seed(1);
  const auto weight = torch::randn({8, 4});
  // The sum reads what the reshape gives, too.
  expect_same([&](const Tensor& x) {
    const auto tokens = x.flatten(2).transpose(1, 2);  // [N,25,4]
    const auto y =
        at::gelu(at::linear(tokens, weight).reshape({-1, 5, 5, 8})).permute({0, 3, 1, 2});
    return at::relu(at::conv2d(y, torch::ones({8, 8, 1, 1})) + y).sum({2, 3});
  });
  const auto model = make({"convnext_atto", 3, 64});
  auto graph = simplified(*model, 64);
  ASSERT_GT(count(graph, "aten::gelu"), 0);
  fuse_for_cpu(graph, torch::kFloat);
  EXPECT_EQ(count(graph, "aten::gelu"), 0);
}

TEST(FuseForCpu, LeavesWhatItMustNotTake) {
  torch::manual_seed(1);
  const auto weight = torch::randn({4, 4, 1, 1}), other = torch::randn({4, 4, 1, 1});
  const auto conv = [&](const Tensor& x) { return at::conv2d(x, weight); };
  // Read by another one.
  expect_same([&](const Tensor& x) {
    const auto y = conv(x);
    return (at::relu(y) + y).mean({2, 3});
  });
  // Smaller than the sum.
  expect_same([&](const Tensor& x) { return (x + conv(x.mean({2, 3}, true))).sum({2, 3}); });
  // Another activation than oneDNN has behind a sum.
  expect_same([&](const Tensor& x) {
    return at::gelu(conv(x) + at::conv2d(x, other)).sum({2, 3});
  });
  // Twice as large, and less.
  expect_same([&](const Tensor& x) { return at::relu(at::add(conv(x), x, 2)).sum({2, 3}); });
  expect_same([&](const Tensor& x) { return at::relu(x - conv(x)).sum({2, 3}); });
  // An output itself.
  expect_same([&](const Tensor& x) { return conv(x); });
}

}  // namespace
}  // namespace braid::graph
