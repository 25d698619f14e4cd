#include "braid/models/vision/hybrid/edgenext.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "braid/core/error.h"
#include "braid/models/vision/hybrid/edgenext_blocks.h"
#include "braid/torch.h"

namespace braid::models {
namespace {

TEST(EdgeNeXt, RefusesContradictoryConfigs) {
  const auto refuses = [](const Json& fields) {
    EXPECT_THROW(create_model<ImageModel>("edgenext_small", fields), ConfigError) << fields.dump();
  };
  refuses({{"depths", {1, 1, 1}}});
  refuses({{"heads", {8, 8, 7, 8}}});
  refuses({{"d2_scales", {2, 1, 3, 4}}});
  refuses({{"kernel_sizes", {3, 5, 7, 8}}});
  refuses({{"use_pos_emb", {0, 2, 0, 0}}});
  refuses({{"global_block_counts", {0, -1, 0, 0}}});
  refuses({{"expand_ratio", 0}});
}

TEST(EdgeNeXt, SparesTemperaturesFromDecay) {
  const auto model = create_model<ImageModel>("edgenext_small", {{"depths", {1, 1, 1, 1}}});
  const std::vector<std::string> expected = {"stages.1.blocks.0.xca.temperature",
                                             "stages.2.blocks.0.xca.temperature",
                                             "stages.3.blocks.0.xca.temperature"};
  EXPECT_EQ(model->no_weight_decay(), expected);
}

TEST(EdgeNeXt, HalvesMapsOfOnePixel) {
  EdgeNeXtDownsample layer(2, 3, 2, EdgeNeXtDownsampleImpl::Order::kNormConv);
  EXPECT_EQ(layer->forward(torch::randn({1, 2, 1, 1})).sizes(), (std::vector<int64_t>{1, 3, 1, 1}));
  EXPECT_EQ(layer->forward(torch::randn({1, 2, 5, 5})).size(2), 2) << "as the reference";
}

TEST(CrossCovarianceAttention, EqualsItsNaiveTwin) {
  torch::manual_seed(1);
  constexpr int64_t B = 2, N = 7, D = 6, h = 2, d = D / h;
  CrossCovarianceAttention layer(
      CrossCovarianceAttentionConfig{.dim = D, .num_heads = h, .qkv_bias = true});
  layer->to(torch::kDouble);
  const torch::NoGradGuard no_grad;
  layer->temperature.uniform_(0.5, 3.0);
  const auto x = torch::randn({B, N, D}, torch::kDouble);
  const auto qkv = layer->qkv->forward(x);  // [B,N,3D]
  auto joined = torch::zeros_like(x);
  for (int64_t b = 0; b < B; ++b)
    for (int64_t head = 0; head < h; ++head) {
      const auto part = [&](int64_t which) {
        return qkv[b].narrow(1, which * D + head * d, d).t();  // [d,N]
      };
      const auto unit = [](const torch::Tensor& t) { return t / t.norm(2, 1, /*keepdim=*/true); };
      const auto scores = unit(part(0)).mm(unit(part(1)).t()) * layer->temperature[head].item();
      joined[b].narrow(1, head * d, d).copy_(scores.softmax(1).mm(part(2)).t());
    }
  EXPECT_TRUE(layer->forward(x).allclose(layer->proj->forward(joined), 1e-10, 1e-10));
}

TEST(FourierPosition, SumsSinesAndCosinesOfRowAndColumn) {
  constexpr int64_t hidden = 4, height = 3, width = 5;
  FourierPosition layer(
      FourierPositionConfig{.dim = 2 * hidden, .hidden_dim = hidden, .temperature = 100});
  const torch::NoGradGuard no_grad;
  layer->token_projection->weight.copy_(torch::eye(2 * hidden).view({2 * hidden, -1, 1, 1}));
  layer->token_projection->bias.zero_();
  const auto position = layer->forward(height, width);  // [1,3,5,8]
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      for (int64_t i = 0; i < 2 * hidden; ++i) {
        const bool row = i < hidden;
        const double turn =
            static_cast<double>(row ? y + 1 : x + 1) / static_cast<double>(row ? height : width);
        const double phase = 2 * std::numbers::pi * turn / (i % hidden < 2 ? 1 : 10);
        const double wave = i % 2 == 0 ? std::sin(phase) : std::cos(phase);
        EXPECT_NEAR(position[0][y][x][i].item<double>(), wave, 1e-5) << y << " " << x << " " << i;
      }
}

}  // namespace
}  // namespace braid::models
