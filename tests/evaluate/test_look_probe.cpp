// What a comparison shows of where its models look.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "braid/evaluate/image/look_probe.h"
#include "braid/models/registry.h"

namespace braid::evaluate {
namespace {

// Twenty gray ramps of four classes.
class Ramps final : public data::Dataset {
 public:
  int64_t size() const override { return 20; }
  data::Example get(int64_t index) const override {
    io::Image image{.height = 32, .width = 32, .channels = 1, .pixels = {}};
    for (int64_t k = 0; k < 32 * 32; ++k)
      image.pixels.push_back(static_cast<uint8_t>((k % 32) * (1 + index % 7)));
    return {image, label(index)};
  }
  int64_t label(int64_t index) const override { return index / 5; }
  std::string describe(int64_t index) const override { return std::to_string(index); }
  const std::vector<std::string>& classes() const override { return classes_; }
  int64_t channels() const override { return 1; }

 private:
  std::vector<std::string> classes_ = {"a", "b", "c", "d"};
};

ModelResult looked_at(const std::string& name) {
  LookProbe probe(
      [&](const TrainedRun&) {
        models::LoadedModel loaded;
        loaded.model = models::create_model<models::ImageModel>(
            name, {{"num_classes", 4}, {"in_chans", 1}, {"img_size", 32}}, 1);
        loaded.model->eval();
        loaded.hub = models::make_image_hub_config(name, *loaded.model);
        return loaded;
      },
      std::make_shared<Ramps>());
  ModelResult result;
  probe.measure({}, result);
  return result;
}

TEST(LookProbe, ShowsTheSameImagesOfEveryModel) {
  const auto cnn = looked_at("resnet20"), hybrid = looked_at("cct_2_3x2_32");
  ASSERT_TRUE(cnn.looks && hybrid.looks);
  ASSERT_EQ(cnn.looks->images.size(), 6u);
  ASSERT_EQ(hybrid.looks->images.size(), 6u);
  for (size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(cnn.looks->images[i].image_png, hybrid.looks->images[i].image_png);
    EXPECT_NE(cnn.looks->images[i].map_png, cnn.looks->images[i].image_png);
  }
  EXPECT_EQ(cnn.looks->images[0].label, "a");
  EXPECT_EQ(cnn.looks->images[5].label, "d");
}

TEST(LookProbe, SaysHowFarAttentionLooks) {
  EXPECT_TRUE(looked_at("resnet20").looks->attention.empty());
  const auto looks = *looked_at("cct_2_3x2_32").looks;
  ASSERT_EQ(looks.attention.size(), 2u);
  for (const auto& layer : looks.attention) {
    EXPECT_EQ(layer.distance.size(), 2u);
    for (const double distance : layer.distance) {
      EXPECT_GT(distance, 4);
      EXPECT_LT(distance, 32);
    }
  }
  EXPECT_EQ(looks.input_size, (std::vector<int64_t>{32, 32}));
}

}  // namespace
}  // namespace braid::evaluate
