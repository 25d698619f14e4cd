// Resizing against PIL, and what each augmentation does to an image.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>
#include <utility>

#include "braid/core/error.h"
#include "braid/data/image/prepared_images.h"
#include "braid/data/image/sameness.h"
#include "braid/data/image/transforms.h"
#include "braid/data/memory_dataset.h"
#include "braid/io/resize.h"
#include "braid/runtime/tensor_file.h"

namespace braid::data {
namespace {

io::Image to_image(const torch::Tensor& pixels) {  // [H,W,C] uint8
  io::Image image{
      .height = pixels.size(0), .width = pixels.size(1), .channels = pixels.size(2), .pixels = {}};
  image.pixels.assign(pixels.data_ptr<uint8_t>(), pixels.data_ptr<uint8_t>() + pixels.numel());
  return image;
}

TEST(Resize, EqualsPilToOneGreyLevel) {
  const auto fixture =
      runtime::load_tensors(BRAID_TEST_SOURCE_DIR "/data/fixtures/resize.safetensors");
  for (const std::string_view name : {"gray_down", "gray_up", "colour_down", "colour_up", "box"})
    for (const std::string_view filter : {"bilinear", "bicubic"}) {
      const auto image = to_image(fixture.at(fmt::format("{}/input", name)));
      const auto& expected = fixture.at(fmt::format("{}/{}", name, filter));
      const auto how =
          filter == "bilinear" ? io::Interpolation::kBilinear : io::Interpolation::kBicubic;
      const io::Box whole{.left = 0,
                          .top = 0,
                          .right = static_cast<double>(image.width),
                          .bottom = static_cast<double>(image.height)};
      const io::Box part{.left = 3.5, .top = 2.25, .right = 33.0, .bottom = 30.75};
      const auto got =
          io::resize(image, expected.size(0), expected.size(1), how, name == "box" ? part : whole);
      const auto reference = to_image(expected);
      ASSERT_EQ(got.pixels.size(), reference.pixels.size());
      int largest = 0;
      for (size_t i = 0; i < got.pixels.size(); ++i)
        largest = std::max(largest, std::abs(got.pixels[i] - reference.pixels[i]));
      EXPECT_LE(largest, 1) << name << " " << filter;
    }
}

io::Image ramp(int64_t side = 8) {
  io::Image image{.height = side, .width = side, .channels = 1, .pixels = {}};
  for (int64_t i = 0; i < side * side; ++i) image.pixels.push_back(static_cast<uint8_t>(1 + i));
  return image;
}

InputConfig gray(int64_t side) {
  InputConfig input;
  input.channels = 1;
  input.height = input.width = side;
  input.mean = {0.5};
  input.std = {0.25};
  input.crop_pct = 1;
  return input;
}

AugmentConfig nothing() {
  AugmentConfig augment;
  augment.train_crop = "none";
  augment.hflip = 0;
  return augment;
}

TEST(Sameness, IsSaidWhereAllImagesHaveTheSamePixels) {
  const auto dataset = [](const std::vector<uint8_t>& values) {
    std::vector<Example> examples;
    for (const uint8_t value : values)
      examples.push_back({.image = {.height = 1, .width = 1, .channels = 1, .pixels = {value}},
                          .label = static_cast<int64_t>(examples.size() % 2)});
    return MemoryDataset("memory", examples, {"a", "b"});
  };
  const auto line = sameness_text(dataset({7, 7, 7}));
  ASSERT_TRUE(line);
  EXPECT_NE(line->find("All 3 training images"), std::string::npos) << *line;
  EXPECT_FALSE(sameness_text(dataset({7, 7, 8})));
  EXPECT_FALSE(sameness_text(dataset({7}))) << "one image is no pattern";
}

TEST(Transforms, WithoutAugmentationTheImageStays) {
  Random random(1);
  EXPECT_EQ(prepare_for_training(ramp(), gray(8), nothing(), random).pixels, ramp().pixels);
  EXPECT_EQ(prepare_for_evaluation(ramp(), gray(8)).pixels, ramp().pixels);
}

TEST(Transforms, FlipMirrorsRows) {
  auto augment = nothing();
  augment.hflip = 1;
  Random random(1);
  const auto flipped = prepare_for_training(ramp(), gray(8), augment, random);
  for (size_t y = 0; y < 8; ++y)
    for (size_t x = 0; x < 8; ++x)
      EXPECT_EQ(flipped.pixels[8 * y + x], ramp().pixels[8 * y + 7 - x]);
}

TEST(Transforms, AlternatingFlipTurnsWithEveryEpoch) {
  int64_t flipped = 0, as_of_another_seed = 0;
  for (int64_t index = 0; index < 1000; ++index) {
    const bool first = is_flipped(3, 0, index);
    for (const int64_t epoch : {1, 2, 3, 100})
      EXPECT_EQ(is_flipped(3, epoch, index), first == (epoch % 2 == 0)) << index;
    flipped += first;
    as_of_another_seed += first == is_flipped(4, 0, index);
  }
  EXPECT_NEAR(static_cast<double>(flipped), 500, 60);
  EXPECT_NEAR(static_cast<double>(as_of_another_seed), 500, 60);
}

TEST(Transforms, AFlipThatIsSaidDrawsAsManyNumbers) {
  auto augment = nothing();
  augment.hflip = 0.5;
  const auto mirrored = [&](std::optional<bool> how) {
    Random random(7);
    const auto image = prepare_for_training(ramp(), gray(8), augment, random, how);
    return std::pair(image.pixels, random.next());
  };
  EXPECT_EQ(mirrored(false).first, ramp().pixels);
  EXPECT_NE(mirrored(true).first, ramp().pixels);
  EXPECT_EQ(mirrored(true).second, mirrored({}).second);
  augment.alternate_flip = true;
  EXPECT_NO_THROW(validate(augment));
  augment.hflip = 0.3;
  EXPECT_THROW(validate(augment), ConfigError);
}

TEST(Transforms, PadCropShiftsByAtMostThePadding) {
  auto augment = nothing();
  augment.train_crop = "pad";
  augment.crop_padding = 2;
  std::set<std::vector<uint8_t>> seen;
  for (uint64_t item = 0; item < 400; ++item) {
    Random random(1, 0, item);
    const auto image = prepare_for_training(ramp(), gray(8), augment, random);
    int matches = 0;
    for (int64_t dy = -2; dy <= 2; ++dy)
      for (int64_t dx = -2; dx <= 2; ++dx) {
        bool same = true;
        for (int64_t y = 0; y < 8 && same; ++y)
          for (int64_t x = 0; x < 8 && same; ++x) {
            const int64_t v = y + dy, u = x + dx;
            const bool inside = v >= 0 && v < 8 && u >= 0 && u < 8;
            const uint8_t expected = inside ? static_cast<uint8_t>(1 + 8 * v + u) : 0;
            same = image.pixels[static_cast<size_t>(8 * y + x)] == expected;
          }
        matches += same;
      }
    EXPECT_EQ(matches, 1);
    seen.insert(image.pixels);
  }
  EXPECT_EQ(seen.size(), 25u) << "every shift occurs";
}

TEST(Transforms, EvaluationResizesAndTakesTheCentre) {
  auto input = gray(4);
  input.crop_pct = 0.5;  // 8 x 8 stays, its centre of 4 x 4 is taken
  const auto image = prepare_for_evaluation(ramp(), input);
  for (size_t y = 0; y < 4; ++y)
    for (size_t x = 0; x < 4; ++x)
      EXPECT_EQ(image.pixels[4 * y + x], ramp().pixels[8 * (y + 2) + x + 2]);
}

TEST(Transforms, NormalizeIsMeanAndDeviation) {
  std::vector<float> out(64);
  normalize(ramp(), gray(8), out.data());
  for (size_t i = 0; i < 64; ++i)
    EXPECT_NEAR(out[i], ((1.0 + static_cast<double>(i)) / 255 - 0.5) / 0.25, 1e-6);
}

TEST(Transforms, RandomErasingFillsOneRectangle) {
  std::vector<float> image(32 * 32, 100.0f);
  Random random(2);
  random_erase(image.data(), gray(32), 1.0, random);
  int64_t erased = 0;
  for (const float v : image) erased += v != 100.0f;
  EXPECT_GT(erased, 0);
  EXPECT_LT(erased, 32 * 32 / 2);
  std::vector<float> untouched(32 * 32, 1.0f);
  random_erase(untouched.data(), gray(32), 0.0, random);
  EXPECT_EQ(untouched, std::vector<float>(32 * 32, 1.0f));
}

TEST(RandAugment, ParsesTimmsStrings) {
  const auto config = parse_rand_augment("rand-m7-n3-mstd0.5-inc1");
  EXPECT_EQ(config.magnitude, 7);
  EXPECT_EQ(config.layers, 3);
  EXPECT_EQ(config.magnitude_std, 0.5);
  EXPECT_TRUE(config.increasing);
  EXPECT_EQ(parse_rand_augment("rand-n3").magnitude, 10) << "timm's, where none is named";
  for (const char* bad : {"augmix-m3", "rand-x1", "rand-m", "rand-mfoo", "rand-n0", "rand-m99"})
    EXPECT_THROW(parse_rand_augment(bad), ConfigError) << bad;
}

// At magnitude 9 values from int(0.9 * 256) = 230 on are inverted.
TEST(RandAugment, SolarizesFromAWholeNumberOn) {
  io::Image ramp{.height = 16, .width = 16, .channels = 1, .pixels = {}};
  for (int k = 0; k < 256; ++k) ramp.pixels.push_back(static_cast<uint8_t>(k));
  InputConfig input;
  input.channels = 1;
  input.height = input.width = 16;
  const auto config = parse_rand_augment("rand-m9-n1-p1");
  int solarized = 0;
  for (uint64_t item = 0; item < 300; ++item) {
    Random random(1, 0, item);
    auto image = ramp;
    rand_augment(image, config, input, random);
    if (image.pixels[255] != 0 || image.pixels[100] != 100 || image.pixels[0] != 0) continue;
    ++solarized;
    EXPECT_EQ(image.pixels[229], 229);
    EXPECT_EQ(image.pixels[230], 25);
  }
  EXPECT_GT(solarized, 0);
}

TEST(RandAugment, KeepsTheSizeAndIsSeeded) {
  io::Image image{.height = 20, .width = 24, .channels = 3, .pixels = {}};
  for (int64_t i = 0; i < 20 * 24 * 3; ++i)
    image.pixels.push_back(static_cast<uint8_t>(i * 11 % 256));
  const auto config = parse_rand_augment("rand-m9-n2-mstd0.5");
  int changed = 0;
  for (uint64_t item = 0; item < 200; ++item) {
    Random one(3, 0, item), two(3, 0, item);
    auto a = image, b = image;
    rand_augment(a, config, InputConfig(), one);
    rand_augment(b, config, InputConfig(), two);
    ASSERT_EQ(a.pixels, b.pixels);
    ASSERT_EQ(a.pixels.size(), image.pixels.size());
    changed += a.pixels != image.pixels;
  }
  EXPECT_GT(changed, 100);
}

TEST(Augment, PaddingIsBlackTheEdgeOrReflected) {
  io::Image image{1, 4, 1, {10, 20, 30, 40}};
  InputConfig input;
  input.channels = 1;
  input.height = 1;
  input.width = 4;
  AugmentConfig augment;
  augment.train_crop = "pad";
  augment.crop_padding = 2;
  augment.hflip = 0;
  // What moving by dx, -2 to 2, leaves; up and down there is nothing but the same row or black.
  const std::map<std::string, std::set<std::vector<uint8_t>>> expected = {
      {"edge",
       {{10, 10, 10, 20}, {10, 10, 20, 30}, {10, 20, 30, 40}, {20, 30, 40, 40}, {30, 40, 40, 40}}},
      {"reflect",
       {{30, 20, 10, 20}, {20, 10, 20, 30}, {10, 20, 30, 40}, {20, 30, 40, 30}, {30, 40, 30, 20}}},
      {"constant",
       {{0, 0, 10, 20},
        {0, 10, 20, 30},
        {10, 20, 30, 40},
        {20, 30, 40, 0},
        {30, 40, 0, 0},
        {0, 0, 0, 0}}}};
  for (const auto& [mode, rows] : expected) {
    augment.padding_mode = mode;
    std::set<std::vector<uint8_t>> seen;
    for (uint64_t seed = 0; seed < 400; ++seed) {
      Random random(seed);
      seen.insert(augment_prepared(image, input, augment, random).pixels);
    }
    EXPECT_EQ(seen, rows) << mode;
  }
}

TEST(PreparedImages, AreMadeOnceAndLeftOutWhereTheyAreTooMany) {
  InputConfig input;
  input.channels = 1;
  input.height = input.width = 2;
  const auto kept = PreparedImages::make(3, input);
  ASSERT_TRUE(kept);
  int made = 0;
  const auto prepare = [&] {
    ++made;
    return io::Image{2, 2, 1, {1, 2, 3, 4}};
  };
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(kept->get(1, prepare).pixels, (std::vector<uint8_t>{1, 2, 3, 4}));
  EXPECT_EQ(made, 1);
  kept->get(2, prepare);
  EXPECT_EQ(made, 2);
  EXPECT_FALSE(PreparedImages::make(3, input, 11));
  EXPECT_TRUE(PreparedImages::make(3, input, 12));
}

}  // namespace
}  // namespace braid::data
