// Frozen layers, and learning rates of their own for the classifier and for biases.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <vector>

#include "braid/core/error.h"
#include "braid/data/memory_dataset.h"
#include "braid/models/registry.h"
#include "braid/models/vision/image_model.h"
#include "braid/runtime/tensor_file.h"
#include "braid/tasks/loss.h"
#include "braid/train/freeze.h"
#include "braid/train/make_optimizer.h"
#include "braid/train/optimizer.h"
#include "tests/train/run.h"

namespace braid::train {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

// A body and a classifier, as in generate_fine_tuning.py.
class TwoLayers final : public models::ImageModel {
 public:
  TwoLayers() {
    body = register_module("body", torch::nn::Linear(3, 4));
    head = register_module("head", torch::nn::Linear(4, 2));
  }
  torch::Tensor forward_features(const torch::Tensor& x) override {
    return body->forward(x).tanh();
  }
  torch::Tensor forward_head(const torch::Tensor& features, bool pre_logits) override {
    return pre_logits ? features : head->forward(features);
  }
  std::vector<models::FeatureInfo> feature_info() const override { return {{"body", 4, 1}}; }
  int64_t num_classes() const override { return 2; }
  int64_t in_chans() const override { return 3; }
  int64_t img_size() const override { return 1; }
  void reset_classifier(int64_t) override {}
  void replace_head(int64_t) override {}
  Json config() const override { return Json::object(); }
  std::vector<std::string> head_modules() const override { return {"head"}; }
  int64_t layer_id(const std::string& p) const override { return p.starts_with("head.") ? 1 : 0; }
  int64_t layer_count() const override { return 2; }

  torch::nn::Linear body{nullptr}, head{nullptr};
};

class HeadRate : public ::testing::TestWithParam<std::tuple<std::string, double>> {};

TEST_P(HeadRate, EqualsPyTorchsGroups) {
  const auto& [opt, layer_decay] = GetParam();
  const auto fixture =
      runtime::load_tensors(BRAID_TEST_SOURCE_DIR "/train/fixtures/fine_tuning.safetensors");
  TwoLayers model;
  {
    const torch::NoGradGuard no_grad;
    for (auto& p : model.named_parameters()) p.value().copy_(fixture.at("start." + p.key()));
  }
  OptimizerConfig config;
  config.opt = opt;
  config.lr = 0.02;
  config.head_lr = 0.1;
  config.layer_decay = layer_decay;
  config.weight_decay = 0.1;
  const auto optimizer = make_optimizer(make_param_groups(model, config), config);
  for (int64_t step = 0; step < 12; ++step) {
    optimizer->zero_grad();
    tasks::cross_entropy(model.forward(fixture.at("images")), fixture.at("labels"), 0).backward();
    optimizer->step(config.lr / static_cast<double>(1 + step));
    for (const auto& p : model.named_parameters()) {
      const auto& expected =
          fixture.at(opt + (layer_decay < 1 ? ".0.5." : ".1.0.") + p.key())[step];
      EXPECT_TRUE(p.value().allclose(expected, 1e-5, 1e-6)) << p.key() << " after step " << step;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Optimizers, HeadRate,
                         ::testing::Combine(::testing::Values("adamw", "nesterov"),
                                            ::testing::Values(1.0, 0.5)));

TEST(HeadRateTest, UnsetItLeavesTheGroupsAsTheyAre) {
  TwoLayers model;
  const auto groups = make_param_groups(model, {});
  EXPECT_EQ(groups.size(), 2u);  // with decay and without
  for (const auto& group : groups) EXPECT_EQ(group.lr_scale, 1);
}

class BiasRate : public ::testing::TestWithParam<std::string> {};

// As if biases had an optimizer of their own at that rate.
TEST_P(BiasRate, IsThatOfAnOptimizerOfTheirOwn) {
  constexpr double kScale = 8, kRate = 0.01;
  OptimizerConfig config;
  config.opt = GetParam();
  config.weight_decay = 0.1;
  TwoLayers scaled, apart;
  {
    const torch::NoGradGuard no_grad;
    torch::manual_seed(4);
    for (auto& p : scaled.named_parameters()) p.value().copy_(torch::randn_like(p.value()));
    for (auto& p : apart.named_parameters()) p.value().copy_(scaled.named_parameters()[p.key()]);
  }
  // The groups of what has, or has not, the last name "bias".
  const auto only = [&](bool biases) {
    auto groups = make_param_groups(apart, config);
    std::erase_if(groups, [&](const ParamGroup& group) {
      return group.names.front().ends_with(".bias") != biases;
    });
    return make_optimizer(groups, config);
  };
  const auto of_weights = only(false), of_biases = only(true);
  config.bias_lr_scale = kScale;
  const auto together = make_optimizer(make_param_groups(scaled, config), config);
  const auto images = torch::randn({6, 3});
  const auto labels = torch::tensor({0, 1, 1, 0, 1, 0}, torch::kInt64);
  for (int64_t step = 1; step <= 6; ++step) {
    for (TwoLayers* model : {&scaled, &apart}) {
      model->zero_grad();
      tasks::cross_entropy(model->forward(images), labels, 0).backward();
    }
    const double rate = kRate / static_cast<double>(step);
    together->step(rate);
    of_weights->step(rate);
    of_biases->step(rate * kScale);
    for (const auto& p : scaled.named_parameters())
      EXPECT_TRUE(p.value().equal(apart.named_parameters()[p.key()])) << p.key() << " " << step;
  }
}

INSTANTIATE_TEST_SUITE_P(Optimizers, BiasRate,
                         ::testing::Values("adamw", "sgd", "nesterov", "muon", "nmuon", "lamb",
                                           "lion", "lookahead_adamw"));

TEST(BiasRateTest, GoesWithLayerDecayAndTheHeadsRate) {
  const auto model = models::create_model<models::ImageModel>(
      "resnet20", {{"num_classes", 3}, {"in_chans", 1}, {"img_size", 12}}, 5);
  const auto scales = [&](double bias_lr_scale) {
    OptimizerConfig config;
    config.lr = 0.1;
    config.head_lr = 0.3;
    config.layer_decay = 0.5;
    config.bias_lr_scale = bias_lr_scale;
    std::map<std::string, double> of_name;
    for (const auto& group : make_param_groups(*model, config))
      for (const auto& name : group.names) of_name[name] = group.lr_scale;
    return of_name;
  };
  const auto plain = scales(1), scaled = scales(64);
  ASSERT_EQ(plain.size(), model->named_parameters().size());
  ASSERT_EQ(scaled.size(), plain.size());
  EXPECT_DOUBLE_EQ(plain.at("bn1.bias"), plain.at("conv1.weight"));
  EXPECT_DOUBLE_EQ(plain.at("fc.bias"), 3);
  for (const auto& [name, scale] : plain)
    EXPECT_DOUBLE_EQ(scaled.at(name), scale * (name.ends_with(".bias") ? 64 : 1)) << name;
}

TEST(FreezeTest, OtherWordsAreRefused) {
  for (const char* good : {"", "backbone", "0", "3"}) EXPECT_NO_THROW(check_freeze(good)) << good;
  for (const char* bad : {"all", "-1", "1.5", "backbone ", "99999999999999999999", "3x"})
    EXPECT_THROW(check_freeze(bad), ConfigError) << bad;
  RunConfig config;
  config.optimizer.head_lr = 0.1;
  config.optimizer.lr = 0;
  EXPECT_THROW(validate(config), ConfigError);
  config.optimizer.lr = 0.1;
  config.optimizer.head_lr = -1;
  EXPECT_THROW(validate(config), ConfigError);
}

// Recomputed blocks above frozen ones get the gradients of the plain pass.
TEST(FreezeTest, GoesWithGradientCheckpointing) {
  const auto gradients = [](bool checkpointing) {
    const auto model = models::create_model<models::ImageModel>(
        "vit_lite_2_4_32", {{"num_classes", 3}, {"in_chans", 1}, {"img_size", 16}}, 5);
    Progress silent;
    freeze_layers(*model, "2", silent);
    model->set_grad_checkpointing(checkpointing);
    torch::manual_seed(1);
    model->forward(torch::randn({2, 1, 16, 16})).square().mean().backward();
    std::map<std::string, torch::Tensor> found;
    for (const auto& p : model->named_parameters())
      if (p.value().grad().defined()) found[p.key()] = p.value().grad();
    return found;
  };
  const auto plain = gradients(false), recomputed = gradients(true);
  ASSERT_EQ(plain.size(), recomputed.size());
  EXPECT_FALSE(plain.contains("classifier.blocks.0.norm1.weight"));
  EXPECT_TRUE(plain.contains("classifier.blocks.1.norm1.weight"));
  for (const auto& [name, grad] : plain)
    EXPECT_TRUE(grad.allclose(recomputed.at(name), 1e-5, 1e-7)) << name;
}

class Lines final : public Progress {
 public:
  void line(const std::string& text) override { lines.push_back(text); }
  std::vector<std::string> lines;
};

class FineTuning : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::temp_directory_path() / ("braid_fine_tuning_" + std::to_string(::getpid()));
    fs::remove_all(root_);
    std::vector<data::Example> examples;
    uint32_t noise = 1;
    for (int64_t i = 0; i < 24; ++i) {
      data::Example example;
      example.label = i % 3;
      example.image = {12, 12, 1, {}};
      for (int k = 0; k < 144; ++k) {
        noise = noise * 1664525u + 1013904223u;
        example.image.pixels.push_back(static_cast<uint8_t>((noise >> 16) % 120 + 60 * (i % 3)));
      }
      examples.push_back(example);
    }
    splits_.train = splits_.val = std::make_shared<data::MemoryDataset>(
        "noise", examples, std::vector<std::string>{"a", "b", "c"});
  }
  void TearDown() override { fs::remove_all(root_); }

  TrainConfig config(const std::string& run) const {
    TrainConfig c;
    c.task.model = "resnet20";
    c.task.data = "noise";
    c.task.image.augment.no_aug = true;
    c.run.output = (root_ / run).string();
    c.run.epochs = 4;
    c.run.batch_size = 8;
    c.run.workers = 0;
    c.run.schedule.sched = "constant";
    return c;
  }
  TrainResult train(const TrainConfig& c) { return train_run(c, splits_, progress_); }
  runtime::TensorMap last(const std::string& run, const char* file = "model.safetensors") const {
    return runtime::load_tensors(root_ / run / "last" / file);
  }
  // The weights that a run of this config begins with.
  static runtime::TensorMap start() {
    return runtime::named_state(*models::create_model<models::ImageModel>(
        "resnet20", {{"num_classes", 3}, {"in_chans", 1}, {"img_size", 12}}, 0));
  }

  fs::path root_;
  data::Splits splits_;
  Lines progress_;
};

TEST_F(FineTuning, AFrozenBackboneStaysBitForBit) {
  auto c = config("run");
  c.run.freeze = "backbone";
  c.run.model_ema = true;
  c.run.optimizer.weight_decay = 0.5;
  train(c);
  EXPECT_THAT(progress_.lines, Contains(HasSubstr("Frozen:")));
  const auto before = start(), after = last("run"), state = last("run", "state.safetensors");
  for (const auto& [name, tensor] : before) {
    const bool head = name.starts_with("fc.");
    EXPECT_EQ(after.at(name).equal(tensor), !head) << name;
    EXPECT_EQ(state.at("ema." + name).equal(tensor), !head) << name;
    EXPECT_EQ(state.contains("optimizer." + name + ".exp_avg"), head) << name;
  }
}

TEST_F(FineTuning, FrozenLayersKeepTheirStatistics) {
  auto c = config("run");
  c.run.epochs = 1;
  c.run.freeze = "2";  // the stem and layer1
  train(c);
  const auto before = start(), after = last("run");
  for (const auto& [name, tensor] : before) {
    const bool frozen =
        name.starts_with("conv1.") || name.starts_with("bn1.") || name.starts_with("layer1.");
    EXPECT_EQ(after.at(name).equal(tensor), frozen) << name;
  }
}

TEST_F(FineTuning, ResumesToTheSameWeights) {
  auto whole = config("whole"), parts = config("parts");
  for (auto* c : {&whole, &parts}) {
    c->run.freeze = "2";
    c->run.optimizer.head_lr = 0.01;
    c->run.optimizer.layer_decay = 0.7;
    c->run.optimizer.bias_lr_scale = 4;
  }
  train(whole);
  parts.run.epochs = 2;
  train(parts);
  parts.run.epochs = 4;
  parts.run.resume = true;
  train(parts);
  const auto a = last("whole"), b = last("parts");
  for (const auto& [name, tensor] : a) EXPECT_TRUE(tensor.equal(b.at(name))) << name;
  parts.run.optimizer.head_lr = 0.02;
  EXPECT_THROW(train(parts), ConfigError) << "another head_lr";
  parts.run.optimizer.head_lr = 0.01;
  parts.run.optimizer.bias_lr_scale = 1;
  EXPECT_THROW(train(parts), ConfigError) << "another bias_lr_scale";
  parts.run.optimizer.bias_lr_scale = 4;
  parts.run.freeze = "backbone";
  EXPECT_THROW(train(parts), ConfigError) << "another freeze";
}

TEST_F(FineTuning, TheHeadIsTrainedFirst) {
  auto first = config("first"), alone = config("alone"), both = config("both");
  for (auto* c : {&first, &alone, &both}) c->run.freeze = "backbone";
  first.run.epochs = alone.run.epochs = 1;
  first.run.freeze_epochs = both.run.freeze_epochs = 1;
  both.run.epochs = 2;
  train(alone);
  progress_.lines.clear();
  train(first);
  EXPECT_THAT(progress_.lines, Contains(HasSubstr("Frozen:")));
  EXPECT_THAT(progress_.lines, Not(Contains(HasSubstr("--freeze-epochs"))));
  const auto before = start(), head_alone = last("alone"), head_first = last("first");
  for (const auto& [name, tensor] : head_first)
    EXPECT_TRUE(tensor.equal(head_alone.at(name))) << name;
  train(both);
  EXPECT_THAT(progress_.lines, Contains(HasSubstr("(--freeze-epochs 1)")));
  const auto after = last("both"), state = last("both", "state.safetensors");
  for (const auto& [name, tensor] : before) {
    EXPECT_FALSE(tensor.equal(after.at(name))) << name;
    const auto steps = state.find("optimizer." + name + ".step");
    if (steps == state.end()) continue;  // a buffer
    EXPECT_EQ(steps->second.item<double>(), name.starts_with("fc.") ? 6 : 3) << name;
  }
}

TEST_F(FineTuning, ThawsAndResumesToTheSameWeights) {
  const auto of = [&](const std::string& name) {
    auto c = config(name);
    c.run.freeze = "2";
    c.run.freeze_epochs = 1.5;  // within an epoch of three batches
    c.run.optimizer.layer_decay = 0.7;
    c.run.epochs = 3;
    return c;
  };
  train(of("whole"));
  const auto whole = last("whole");
  for (const int64_t cut : {1, 2}) {  // before that, and after
    auto parts = of("parts" + std::to_string(cut));
    parts.run.epochs = cut;
    train(parts);
    parts.run.epochs = 3;
    parts.run.resume = true;
    train(parts);
    const auto resumed = last("parts" + std::to_string(cut));
    for (const auto& [name, tensor] : whole)
      EXPECT_TRUE(tensor.equal(resumed.at(name))) << name << " cut after " << cut;
    parts.run.freeze_epochs = 1;
    EXPECT_THROW(train(parts), ConfigError) << "another freeze_epochs";
  }
}

TEST_F(FineTuning, BatchNormsKeepTheirStatisticsOnRequest) {
  auto c = config("run");
  c.run.epochs = 1;
  c.run.freeze_bn_stats = true;
  train(c);
  EXPECT_THAT(progress_.lines, Contains(HasSubstr("keep their statistics: 19")));
  const auto before = start(), after = last("run");
  for (const auto& [name, tensor] : before) {
    const bool statistics =
        name.find("running_") != std::string::npos || name.find("num_batches") != std::string::npos;
    EXPECT_EQ(after.at(name).equal(tensor), statistics) << name;
  }
  auto without = config("without");
  without.task.model = "vit_lite_2_4_32";
  without.run.freeze_bn_stats = true;
  EXPECT_THROW(train(without), ConfigError) << "it has none";
}

TEST_F(FineTuning, NothingLeftToTrainIsRefused) {
  auto c = config("run");
  c.run.freeze = "5";  // stem, three stages, classifier
  EXPECT_THROW(train(c), ConfigError);
  EXPECT_FALSE(fs::exists(root_ / "run" / "last"));
}

}  // namespace
}  // namespace braid::train
