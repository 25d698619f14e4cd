// Evaluation's transform against timm's. See generate_preprocessing.py.
#include <gtest/gtest.h>

#include "braid/core/error.h"
#include "braid/data/image/transforms.h"
#include "braid/io/safetensors.h"
#include "braid/runtime/tensor_file.h"

namespace braid::data {
namespace {

TEST(Preprocessing, EqualsTimmsToOneGreyLevel) {
  const std::string file = BRAID_TEST_SOURCE_DIR "/data/fixtures/preprocessing.safetensors";
  const auto tensors = runtime::load_tensors(file);
  const Json cases = Json::parse(io::SafetensorsFile::read(file).metadata().at("cases"));
  ASSERT_GT(cases.size(), 10u);
  for (size_t k = 0; k < cases.size(); ++k) {
    const Json& c = cases[k];
    const auto& pixels = tensors.at(std::to_string(k) + "/image");
    const auto& expected = tensors.at(std::to_string(k) + "/output");
    io::Image image{pixels.size(0), pixels.size(1), pixels.size(2), {}};
    image.pixels.assign(pixels.data_ptr<uint8_t>(), pixels.data_ptr<uint8_t>() + pixels.numel());
    InputConfig input;
    input.channels = image.channels;
    input.height = input.width = c.at("size").get<int64_t>();
    input.mean = c.at("mean").get<std::vector<double>>();
    input.interpolation = c.at("interpolation").get<std::string>();
    input.crop_pct = c.at("crop_pct").get<double>();
    input.crop_mode = c.at("crop_mode").get<std::string>();
    const auto got = prepare_for_evaluation(image, input);
    ASSERT_EQ(got.pixels.size(), static_cast<size_t>(expected.numel())) << c.dump();
    int largest = 0;
    for (size_t i = 0; i < got.pixels.size(); ++i)
      largest = std::max(largest, std::abs(got.pixels[i] - expected.data_ptr<uint8_t>()[i]));
    EXPECT_LE(largest, 1) << c.dump();
  }
}

TEST(Preprocessing, RandomInterpolationIsBothInTrainingAndBilinearInEvaluation) {
  io::Image image{.height = 20, .width = 20, .channels = 1, .pixels = {}};
  for (int i = 0; i < 400; ++i) image.pixels.push_back(static_cast<uint8_t>(i * 37 % 251));
  InputConfig input;
  input.channels = 1;
  input.height = input.width = 12;
  input.mean = {0.5};
  AugmentConfig augment;
  augment.train_crop = "rrc";
  augment.scale = augment.ratio = {1, 1};
  augment.hflip = 0;
  const auto prepare = [&](const char* interpolation, uint64_t seed) {
    input.interpolation = interpolation;
    Random random(seed);
    return prepare_for_training(image, input, augment, random).pixels;
  };
  int bilinear = 0, bicubic = 0;
  for (uint64_t seed = 0; seed < 16; ++seed) {
    const auto got = prepare("random", seed);
    bilinear += got == prepare("bilinear", 0) ? 1 : 0;
    bicubic += got == prepare("bicubic", 0) ? 1 : 0;
  }
  EXPECT_GT(bilinear, 0);
  EXPECT_GT(bicubic, 0);
  EXPECT_EQ(bilinear + bicubic, 16);
  const auto evaluate = [&](const char* interpolation) {
    input.interpolation = interpolation;
    return prepare_for_evaluation(image, input).pixels;
  };
  EXPECT_EQ(evaluate("random"), evaluate("bilinear"));
  EXPECT_NE(evaluate("random"), evaluate("bicubic"));
}

TEST(Preprocessing, UnknownWordsAndNumbersAreRefused) {
  InputConfig good;
  EXPECT_NO_THROW(validate(good));
  for (const char* bad :
       {R"({"interpolation":"lanczos"})", R"({"crop_mode":"middle"})", R"({"crop_pct":0})",
        R"({"crop_pct":3})", R"({"mean":[0.5]})", R"({"std":[1,1,0]})"}) {
    InputConfig input;
    update_from_json(input, Json::parse(bad), "test");
    EXPECT_THROW(validate(input), ConfigError) << bad;
  }
}

}  // namespace
}  // namespace braid::data
