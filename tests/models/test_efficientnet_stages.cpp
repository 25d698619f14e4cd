// The notation of EfficientNet's and MobileNet's stages.
#include <gtest/gtest.h>

#include "braid/core/error.h"
#include "braid/models/vision/efficientnet_stages.h"

namespace braid::models {
namespace {

EfficientNetStages make(const std::vector<std::string>& arch_def,
                        const std::vector<int64_t>& depths) {
  return EfficientNetStages(
      EfficientNetStagesConfig{.arch_def = arch_def, .depths = depths, .in_chs = 8});
}

std::vector<std::string> keys(const EfficientNetStages& stages, const std::string& end) {
  std::vector<std::string> found;
  for (const auto& item : stages->named_parameters())
    if (item.key().ends_with(end)) found.push_back(item.key());
  return found;
}

TEST(EfficientNetStages, RepeatTheLastBlockOrLeaveBlocksOut) {
  const std::string stage = "ir_k3_s2_e2_c16 mqa_h2_d4_c16 uir_a3_k0_e2_c16";
  EXPECT_EQ(keys(make({stage}, {2}), "attn.query.proj.weight"),
            std::vector<std::string>{"0.1.attn.query.proj.weight"});
  EXPECT_EQ(keys(make({stage}, {1}), "attn.query.proj.weight"), std::vector<std::string>{});
  EXPECT_EQ(keys(make({stage}, {4}), "dw_start.conv.weight"),
            (std::vector<std::string>{"0.2.dw_start.conv.weight", "0.3.dw_start.conv.weight"}));
}

TEST(EfficientNetStages, OnlyTheFirstBlockOfAStageIsStrided) {
  auto stages = make({"ds_k3_s1_c8", "ir_k5_s2_e2_c16", "er_k3_s2_e2_c24"}, {1, 3, 2});
  EXPECT_EQ(stages->forward(torch::zeros({1, 8, 17, 17}), false).sizes(),
            (std::vector<int64_t>{1, 24, 5, 5}));
  ASSERT_EQ(stages->levels().size(), 3u);
  EXPECT_EQ(stages->levels()[0].stage, 0);
  EXPECT_EQ(stages->levels()[1].num_chs, 16);
  EXPECT_EQ(stages->levels()[2].reduction, 4);
  EXPECT_EQ(make({"cn_s2_c16"}, {1})->levels()[0].stage, -1);
}

// In eval mode: a variance of next to nothing, so that the epsilon is what is divided by.
TEST(EfficientNetStages, EveryNormHasTheEpsilonOrIsRefused) {
  const auto make_with = [](const std::string& block, double eps, nn::Padding padding) {
    return EfficientNetStages(EfficientNetStagesConfig{.arch_def = {block},
                                                       .depths = {1},
                                                       .in_chs = 8,
                                                       .act = nn::Act::kIdentity,
                                                       .padding = padding,
                                                       .norm_eps = eps});
  };
  torch::manual_seed(1);
  auto one = make_with("cn_k1_c8", 1e-3, nn::Padding::kSymmetric);
  auto other = make_with("cn_k1_c8", 4e-3, nn::Padding::kSame);
  for (auto stages : {one, other}) {
    const torch::NoGradGuard no_grad;
    stages->eval();
    for (auto& item : stages->named_parameters()) item.value().fill_(1);
    for (auto& item : stages->named_buffers()) item.value().zero_();
  }
  const auto x = torch::ones({1, 8, 2, 2});
  EXPECT_TRUE((one->forward(x, false) - 1).allclose(2 * (other->forward(x, false) - 1)));
  EXPECT_THROW(make_with("cn_k3_s2_c8", 1e-5, nn::Padding::kSame), ConfigError);
  for (const char* block : {"uir_a3_k3_e2_c8", "mqa_h2_d4_c8"}) {
    EXPECT_THROW(make_with(block, 1e-3, nn::Padding::kSymmetric), ConfigError) << block;
    EXPECT_THROW(make_with(block, 1e-5, nn::Padding::kSame), ConfigError) << block;
  }
}

TEST(EfficientNetStages, RefuseWhatTheyCannotBuild) {
  for (const char* stage : {"", "xx_c8", "ir_k3_s1", "ir_c8_q3", "ir_c8_k", "ir_c8_k4", "ir_c8.5",
                            "ir_c8_s3", "ir_c8_e0", "ir_c8_se2", "ir_r2_c8", "mqa_c8_s2",
                            "mqa_c8_h0", "uir_a0_k0_s2_c8", "uir_a2_c8", "ir_c8_nxx"})
    EXPECT_THROW(make({stage}, {1}), ConfigError) << stage;
  EXPECT_THROW(make({"ir_c8"}, {0}), ConfigError);
  EXPECT_THROW(make({"ir_c8"}, {1, 1}), ConfigError);
  EXPECT_THROW(make({}, {}), ConfigError);
}

}  // namespace
}  // namespace braid::models
