// What a comparison shows of where its models look.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "braid/core/error.h"
#include "braid/evaluate/image/look_probe.h"
#include "braid/models/registry.h"
#include "tests/evaluate/ramps.h"

namespace braid::evaluate {
namespace {

// Of which every `period`-th image, from the first on, cannot be read.
class Torn final : public test::Ramps {
 public:
  explicit Torn(int64_t period) : period_(period) {}
  data::Example get(int64_t index) const override {
    if (index % period_ == 0) throw DataError("images", "expected an image, got noise", "a.png");
    return test::Ramps::get(index);
  }

 private:
  int64_t period_;
};

ModelResult looked_at(const std::string& name,
                      data::DatasetPtr images = std::make_shared<test::Ramps>()) {
  LookProbe probe(
      [&](const TrainedRun&) {
        models::LoadedModel loaded;
        loaded.model = models::create_model<models::ImageModel>(
            name, {{"num_classes", 4}, {"in_chans", 1}, {"img_size", 32}}, 1);
        loaded.model->eval();
        loaded.hub = models::make_image_hub_config(name, *loaded.model);
        return loaded;
      },
      std::move(images));
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

TEST(LookProbe, PassesOverWhatCannotBeRead) {
  const auto looks = *looked_at("resnet20", std::make_shared<Torn>(2)).looks;
  EXPECT_EQ(looks.images.size(), 6u);
  EXPECT_FALSE(looks.error);
}

TEST(LookProbe, SaysWhyThereIsNothingToSee) {
  const auto looks = *looked_at("resnet20", std::make_shared<Torn>(1)).looks;
  EXPECT_TRUE(looks.images.empty());
  EXPECT_THAT(looks.error.value_or(""), ::testing::HasSubstr("that can be read, got none"));
}

}  // namespace
}  // namespace braid::evaluate
