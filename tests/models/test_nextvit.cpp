#include "braid/models/vision/hybrid/nextvit.h"

#include <gtest/gtest.h>

#include "braid/core/error.h"
#include "braid/models/vision/hybrid/nextvit_blocks.h"
#include "braid/runtime/tensor_file.h"
#include "braid/torch.h"

namespace braid::models {
namespace {

std::vector<int64_t> transformers_of_third_stage(int64_t depth) {
  const Json fields = {{"depths", {1, 1, depth, 1}},
                       {"conv_chs", {32, 32, 32, 32}},
                       {"transformer_chs", {0, 128, 128, 128}}};
  const auto state = runtime::named_state(*create_model<ImageModel>("nextvit_small", fields));
  std::vector<int64_t> found;
  for (int64_t i = 0; i < depth; ++i)
    if (state.contains("stages.2.blocks." + std::to_string(i) + ".e_mhsa.q.weight"))
      found.push_back(i);
  return found;
}

TEST(NextViT, EndsEveryFiveBlocksAndTheStageInATransformer) {
  EXPECT_EQ(transformers_of_third_stage(10), (std::vector<int64_t>{4, 9}));  // timm's
  EXPECT_EQ(transformers_of_third_stage(7), (std::vector<int64_t>{4, 6}));
  EXPECT_EQ(transformers_of_third_stage(1), (std::vector<int64_t>{0}));
}

TEST(NextViT, RefusesContradictoryConfigs) {
  const auto refuses = [](const Json& fields) {
    EXPECT_THROW(create_model<ImageModel>("nextvit_small", fields), ConfigError) << fields.dump();
  };
  refuses({{"depths", {1, 1, 1}}});
  refuses({{"stem_chs", {64, 64}}});
  refuses({{"strides", {1, 2, 3, 2}}});
  refuses({{"head_dim", 48}});
  refuses({{"mix_block_ratio", 1.0}});
  refuses({{"transformer_chs", {0, 32, 512, 1024}}});
  refuses({{"transformer_period", {0, 0, -1, 0}}});
}

TEST(EfficientSelfAttention, TakesFewerTokensThanItPools) {
  EfficientSelfAttention layer(
      nn::ReducedKeyAttentionConfig{.dim = 32, .num_heads = 1, .joint_kv = false}, /*sr_ratio=*/4);
  layer->eval();
  const auto x = torch::randn({2, 9, 32});
  const auto y = layer->forward(x);
  EXPECT_EQ(y.sizes(), x.sizes());
  // A single key: every token gets the same answer.
  EXPECT_TRUE(y.allclose(y.narrow(1, 0, 1).expand_as(y), 1e-4, 1e-5));
}

TEST(EfficientSelfAttention, PaddingHasNoInfluence) {
  torch::manual_seed(1);
  for (const int64_t sr_ratio : {1, 2}) {
    EfficientSelfAttention layer(
        nn::ReducedKeyAttentionConfig{.dim = 32, .num_heads = 2, .joint_kv = false}, sr_ratio);
    layer->eval();
    auto tokens = torch::ones({2, 18}, torch::kBool);
    tokens[1].slice(0, 10).fill_(false);  // from within the third run of four
    const auto x = torch::randn({2, 18, 32});
    const auto other = torch::where(tokens.unsqueeze(-1), x, 100 * torch::randn_like(x));
    const auto y = layer->forward(x, {.key_padding = tokens});
    EXPECT_TRUE(
        y.index({tokens}).equal(layer->forward(other, {.key_padding = tokens}).index({tokens})));
    EXPECT_FALSE(y.index({tokens}).allclose(layer->forward(x).index({tokens})));
  }
}

}  // namespace
}  // namespace braid::models
