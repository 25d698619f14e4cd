#include "braid/models/vision/hybrid/coatnet.h"

#include <gtest/gtest.h>

#include "braid/core/error.h"
#include "braid/nn/position/relative_position.h"
#include "braid/runtime/tensor_file.h"
#include "braid/torch.h"

namespace braid::models {
namespace {

CoAtNetConfig tiny() {
  CoAtNetConfig config;
  config.num_classes = 3;
  config.in_chans = 1;
  config.img_size = 28;
  config.embed_dim = {8, 8, 16, 16};
  config.depths = {1, 1, 1, 1};
  config.stem_width = {8, 8};
  config.dim_head = 8;
  return config;
}

TEST(CoAtNet, TakesGrayImagesOfOddSizes) {
  for (const int64_t size : {28, 29, 33, 47}) {
    auto config = tiny();
    config.img_size = size;
    CoAtNet model(config);
    const auto logits = model.forward(torch::randn({2, 1, size, size}));
    EXPECT_EQ(logits.sizes(), (std::vector<int64_t>{2, 3})) << size;
    EXPECT_TRUE(logits.isfinite().all().item<bool>()) << size;
  }
}

TEST(CoAtNet, KeepsChannelsLast) {
  CoAtNet model(tiny());
  const auto x = torch::randn({2, 1, 28, 28}).contiguous(at::MemoryFormat::ChannelsLast);
  const auto features = model.forward_features(x);
  EXPECT_TRUE(features.is_contiguous(at::MemoryFormat::ChannelsLast));
}

TEST(CoAtNet, RefusesImagesOfAnotherSize) {
  CoAtNet model(tiny());
  EXPECT_THROW(model.forward(torch::zeros({1, 1, 32, 32})), UsageError);
}

TEST(CoAtNet, RefusesContradictoryConfigs) {
  auto config = tiny();
  config.dim_head = 5;
  EXPECT_THROW(CoAtNet{config}, ConfigError);
  config = tiny();
  config.block_type[1] = "M";
  EXPECT_THROW(CoAtNet{config}, ConfigError);
  config = tiny();
  config.depths.pop_back();
  EXPECT_THROW(CoAtNet{config}, ConfigError);
  config = tiny();
  config.stem_width = {8};
  EXPECT_THROW(CoAtNet{config}, ConfigError);
  config = tiny();
  config.conv_attn_act_layer = "tanh";
  EXPECT_THROW(CoAtNet{config}, ConfigError);
  config = tiny();
  config.rel_pos_type = "bias_tf";
  EXPECT_THROW(CoAtNet{config}, ConfigError);
}

TEST(CoAtNet, ReplacesItsClassifier) {
  CoAtNet model(tiny());
  const auto x = torch::randn({2, 1, 28, 28});
  model.reset_classifier(7);
  EXPECT_EQ(model.forward(x).size(1), 7);
  EXPECT_EQ(model.config()["num_classes"], 7);
  model.reset_classifier(0);
  EXPECT_EQ(model.forward(x).size(1), 16);
}

TEST(CoAtNet, DescribesItsStagesTruly) {
  const auto model = std::make_shared<CoAtNet>(tiny());  // named_modules() wants a shared one
  const auto info = model->feature_info();
  ASSERT_EQ(info.size(), 5u);
  EXPECT_EQ(info[0].module, "stem");
  EXPECT_EQ(info[4].module, "stages.3");
  EXPECT_EQ(info[4].num_chs, 16);
  EXPECT_EQ(info[4].reduction, 32);
  const auto modules = model->named_modules();
  for (const auto& stage : info) EXPECT_TRUE(modules.contains(stage.module)) << stage.module;
}

TEST(CoAtNet, NumbersItsLayersAsTimm) {
  CoAtNet model(tiny());
  EXPECT_EQ(model.layer_id("stem.conv1.weight"), 0);
  EXPECT_EQ(model.layer_id("stages.0.blocks.0.conv1_1x1.weight"), 1);
  EXPECT_EQ(model.layer_id("stages.3.blocks.0.attn.qkv.weight"), 4);
  EXPECT_EQ(model.layer_id("norm.weight"), 4);
  EXPECT_EQ(model.layer_id("head.fc.weight"), 5);
  EXPECT_EQ(model.layer_count(), 6);
}

TEST(CoAtNet, SparesRelativePositionsFromDecay) {
  CoAtNet model(tiny());
  const auto names = model.no_weight_decay();
  ASSERT_EQ(names.size(), 2u);
  EXPECT_EQ(names[0], "stages.2.blocks.0.attn.rel_pos.relative_position_bias_table");
}

TEST(CoAtNet, ResizesTablesAsTimm) {
  const auto file = runtime::load_tensors(std::string(BRAID_TEST_SOURCE_DIR) +
                                          "/models/fixtures/rel_pos_bias.safetensors");
  for (const int64_t side : {4, 10}) {
    const auto ours = nn::resize_relative_position_table(file.at("table"), side);
    EXPECT_TRUE(torch::allclose(ours, file.at("side_" + std::to_string(side)), 1e-4, 1e-5)) << side;
  }
}

TEST(CoAtNet, TakesWeightsOfAnotherImageSize) {
  auto config = tiny();
  config.img_size = 64;
  CoAtNet large(config), small(tiny());
  const std::string name = "stages.2.blocks.0.attn.rel_pos.relative_position_bias_table";
  const auto table = large.named_parameters()[name];
  EXPECT_EQ(small.resample_weight(name, table).sizes(), small.named_parameters()[name].sizes());
}

}  // namespace
}  // namespace braid::models
