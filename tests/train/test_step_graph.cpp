// Steps recorded for a GPU against the same steps operator by operator.
#include "braid/train/step_graph.h"

#include <gtest/gtest.h>

#include "braid/models/registry.h"
#include "braid/models/vision/image_model.h"

namespace braid::train {
namespace {

class RecordedStep : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!runtime::DeviceGraph::is_available()) GTEST_SKIP() << "no CUDA device to record for";
  }
  static models::ImageModelPtr make(const std::string& name) {
    auto model = models::create_model<models::ImageModel>(
        name, Json{{"num_classes", 10}, {"in_chans", 1}, {"img_size", 28}}, 1);
    model->to(torch::kCUDA);
    model->train();
    return model;
  }
  static data::Batch batch(int64_t size, int64_t number) {
    torch::manual_seed(static_cast<uint64_t>(100 + number));
    return {{{data::kPixelValues, torch::randn({size, 1, 28, 28}).cuda()},
             {data::kLabels, torch::randint(10, {size}, torch::kLong).cuda()}},
            std::vector<int64_t>(static_cast<size_t>(size))};
  }
  static StepGraph::Loss loss_of(models::ImageModel& model) {
    return [&model](const data::Batch& b) {
      return torch::nn::functional::cross_entropy(model.forward(b.at(data::kPixelValues)),
                                                  b.at(data::kLabels));
    };
  }
  // A step of gradient descent; whether the gradients came by a replay.
  static bool step(models::ImageModel& model, StepGraph* graph, const data::Batch& b,
                   std::vector<double>& losses) {
    const auto loss = loss_of(model);
    auto made = graph ? graph->run(b, loss) : std::nullopt;
    const bool replayed = made.has_value();
    if (!made) {
      made = loss(b);
      made->backward();
    }
    losses.push_back(made->item<double>());
    const torch::NoGradGuard no_grad;
    for (auto& p : model.parameters()) {
      p.sub_(p.grad(), 0.01);
      p.mutable_grad().reset();
    }
    return replayed;
  }
};

TEST_F(RecordedStep, TrainsAsOperatorByOperator) {
  for (const char* name : {"airbench_nano", "vit_nano_patch7_gap_28"}) {
    const auto plain = make(name), recorded = make(name);
    StepGraph graph(recorded->parameters());
    std::vector<double> expected, losses;
    int64_t replays = 0;
    // The sixth batch is smaller, as an epoch's last one is.
    for (int64_t i = 0; i < 10; ++i) {
      const auto b = batch(i == 5 ? 3 : 8, i);
      step(*plain, nullptr, b, expected);
      replays += step(*recorded, &graph, b, losses);
    }
    EXPECT_EQ(graph.failure(), "");
    EXPECT_EQ(replays, 10 - StepGraph::kWarmUps - 1);
    for (size_t i = 0; i < losses.size(); ++i)
      EXPECT_NEAR(losses[i], expected[i], 1e-3) << name << ", step " << i;
  }
}

TEST_F(RecordedStep, DropoutIsDrawnAnew) {
  torch::nn::Linear layer(64, 1);
  layer->to(torch::kCUDA);
  StepGraph graph(layer->parameters());
  const data::Batch b{{{"x", torch::ones({4, 64}, torch::kCUDA)}}, {0, 1, 2, 3}};
  const auto loss = [&](const data::Batch& input) {
    return torch::dropout(layer->forward(input.at("x")).expand({4, 64}), 0.5, true).mean();
  };
  std::set<double> seen;
  for (int i = 0; i < 8; ++i)
    if (const auto made = graph.run(b, loss)) seen.insert(made->item<double>());
  EXPECT_GE(seen.size(), 3u);
}

TEST_F(RecordedStep, AStepThatWaitsForTheDeviceIsLeftAsItIs) {
  torch::nn::Linear layer(4, 1);
  layer->to(torch::kCUDA);
  StepGraph graph(layer->parameters());
  const data::Batch b{{{"x", torch::ones({4, 4}, torch::kCUDA)}}, {0, 1, 2, 3}};
  const auto loss = [&](const data::Batch& input) {
    const auto y = layer->forward(input.at("x")).mean();
    return y * y.item<double>();
  };
  for (int i = 0; i < 6; ++i) EXPECT_FALSE(graph.run(b, loss).has_value());
  EXPECT_NE(graph.failure(), "");
  loss(b).backward();
  EXPECT_TRUE(layer->weight.grad().isfinite().all().item<bool>());
}

}  // namespace
}  // namespace braid::train
