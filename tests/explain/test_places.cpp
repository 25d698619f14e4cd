// Tokens keep their pixels through windows, shifts, strides and unfolds.
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "braid/core/error.h"
#include "braid/explain/attention.h"
#include "braid/explain/class_activation.h"
#include "braid/explain/explainable_graph.h"
#include "tests/explain/small_models.h"
#include "tests/models/parity_fixtures.h"

namespace braid::explain {
namespace {

// The mean distance between the middles of two cells of a side x side grid, both drawn evenly.
double mean_distance(int64_t side, double cell) {
  double sum = 0;
  for (int64_t a = 0; a < side * side; ++a)
    for (int64_t b = 0; b < side * side; ++b) {
      const int64_t rows = a / side - b / side, columns = a % side - b % side;
      sum += std::hypot(static_cast<double>(rows), static_cast<double>(columns));
    }
  return cell * sum / std::pow(static_cast<double>(side), 4);
}

torch::Tensor noise(const models::ImageModel& model) {
  return torch::randn({1, model.in_chans(), model.img_size(), model.img_size()});
}

TEST(Places, PatchesLieInTheirMiddles) {
  const auto model = small_vit();
  const auto explained = explainable_graph(*model, 32, 32);
  const auto& layer = find_layer(explained, "blocks.1");
  EXPECT_EQ(layer.grid.raster.rows, (std::vector<double>{4, 12, 20, 28}));
  EXPECT_EQ(layer.grid.raster.columns, layer.grid.raster.rows);
  EXPECT_EQ(layer.grid.token.front(), 1);  // after the class token
}

TEST(Places, UniformAttentionLooksTheMeanDistanceFar) {
  const auto model = small_vit();
  zero(*model, "qkv");
  const auto layers = attention_layers(explainable_graph(*model, 32, 32), noise(*model));
  ASSERT_EQ(layers.size(), 2u);
  EXPECT_EQ(layers[0].name, "blocks.0.attn");
  EXPECT_EQ(layers[0].heads, 2);
  EXPECT_EQ(layers[0].keys, 17);
  for (const double distance : layers[0].distance) EXPECT_NEAR(distance, mean_distance(4, 8), 1e-3);
  EXPECT_NEAR(layers[0].map.sum().item<double>(), 16.0 / 17,
              1e-5);  // the class token sees itself too
}

TEST(Places, WindowsAndTheirShiftsStayOnThePixels) {
  const auto model = small_swin();
  zero(*model, "qkv");
  zero(*model, "relative_position_bias_table");
  const auto layers = attention_layers(explainable_graph(*model, 32, 32), noise(*model));
  ASSERT_EQ(layers.size(), 2u);
  EXPECT_EQ(layers[0].keys, 16);
  EXPECT_NEAR(layers[0].distance[0], mean_distance(4, 4), 1e-3);
  // Shifted by two patches: one whole window in the middle, four of 2 x 4 at the sides, and the
  // corners, 2 x 2 each, see no further than themselves.
  EXPECT_LT(layers[1].distance[0], layers[0].distance[0]);
  EXPECT_GT(layers[1].distance[0], mean_distance(2, 4));
  EXPECT_EQ(layers[1].map.sizes(), (std::vector<int64_t>{8, 8}));
  EXPECT_NEAR(layers[1].map.sum().item<double>(), 1, 1e-5);
}

TEST(Places, AKeyThatIsLookedAtIsWhereItsPixelsAre) {
  // Without the first block's attention a patch that changes is the only key of the second that
  // does.
  const auto model = small_swin();
  zero(*model, "blocks.0.attn.proj");
  const torch::NoGradGuard no_grad;
  auto explained = explainable_graph(*model, 32, 32);
  const auto x = torch::zeros({1, 3, 32, 32});
  const auto plain = attention_layers(explained, x).at(1).map;
  auto bright = x.clone();
  bright.slice(2, 20, 24).slice(3, 8, 12).fill_(5);  // the patch of row 5, column 2
  const auto changed = (attention_layers(explained, bright).at(1).map - plain).abs();
  const auto where = changed.argmax().item<int64_t>();
  EXPECT_EQ(where / 8, 5);
  EXPECT_EQ(where % 8, 2);
}

TEST(Places, LayersAreFoundByModuleAndMistypedOnesAreNamed) {
  const auto model = small_vit();
  const auto explained = explainable_graph(*model, 32, 32);
  EXPECT_EQ(find_layer(explained, "blocks.0.norm2").name, "blocks.0.norm2");
  // The sum after a block's last layer is the block's.
  EXPECT_EQ(find_layer(explained, "blocks.0").name, "blocks.0.mlp.fc2 + add");
  try {
    find_layer(explained, "block.0");
    ADD_FAILURE();
  } catch (const UsageError& e) {
    EXPECT_NE(std::string(e.what()).find("blocks.0"), std::string::npos) << e.what();
  }
  EXPECT_THROW(find_layer(explained, "head"), UsageError);
}

// Of every architecture in the small form of its committed reference.
class EveryArchitecture : public ::testing::TestWithParam<std::string> {};

TEST_P(EveryArchitecture, HasAGridAndItsAttentionIsFollowed) {
  const auto file = BRAID_TEST_SOURCE_DIR "/models/fixtures/parity_" + GetParam() + ".safetensors";
  const auto fields = Json::parse(io::SafetensorsFile::read(file).metadata().at("kwargs"));
  const auto model = make_model(GetParam().substr(0, GetParam().find('@')), fields);
  model->reparameterize();
  const auto explained = explainable_graph(*model, model->img_size(), model->img_size());
  const auto x = noise(*model);
  const auto& layer = last_layer(explained, x, 0);
  const auto map = class_activation(explained, layer, x, 0, ActivationWeights::kGradCam);
  EXPECT_TRUE(map.isfinite().all().item<bool>());
  for (const auto& attention : attention_layers(explained, x)) {
    for (const double distance : attention.distance) {
      EXPECT_GE(distance, 0) << attention.name;
      EXPECT_LT(distance, 1.5 * static_cast<double>(model->img_size())) << attention.name;
    }
    EXPECT_GT(attention.map.numel(), 1) << attention.name;
    EXPECT_LT(attention.map.sum().item<double>(), 1.001) << attention.name;
  }
  if (attention_layers(explained, x).empty()) {
    EXPECT_THROW(attention_rollout(explained, x), DataError);
    return;
  }
  const auto rollout = attention_rollout(explained, x);
  EXPECT_TRUE(rollout.isfinite().all().item<bool>());
  EXPECT_GT(rollout.sum().item<double>(), 0.1);
  EXPECT_LT(rollout.sum().item<double>(), 1.001);
}

INSTANTIATE_TEST_SUITE_P(Small, EveryArchitecture, ::testing::ValuesIn(models::parity_fixtures()),
                         [](const auto& info) {
                           std::string name = info.param;
                           for (char& c : name)
                             if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
                           return name;
                         });

}  // namespace
}  // namespace braid::explain
