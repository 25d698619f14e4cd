// Accuracy on images made worse, against the same thing done one image at a time.
#include <gtest/gtest.h>

#include <functional>
#include <numeric>
#include <set>

#include "braid/core/error.h"
#include "braid/data/image/image_collate.h"
#include "braid/evaluate/image/corruption.h"
#include "braid/evaluate/image/robustness.h"
#include "braid/models/registry.h"

namespace braid::evaluate {
namespace {

constexpr int64_t kSide = 16, kClasses = 4, kImages = 24, kSeed = 5;

// Stripes, checks and ramps in noise; the images at `broken` cannot be read.
class Images final : public data::Dataset {
 public:
  explicit Images(std::vector<int64_t> broken = {}) : broken_(std::move(broken)) {}
  int64_t size() const override { return kImages; }
  data::Example get(int64_t index) const override {
    if (std::count(broken_.begin(), broken_.end(), index) > 0)
      throw DataError("test", "cannot be read", describe(index));
    io::Image image{.height = kSide, .width = kSide, .channels = 1, .pixels = {}};
    uint32_t noise = 2654435761u * static_cast<uint32_t>(index + 1);
    for (int64_t k = 0; k < kSide * kSide; ++k) {
      noise = noise * 1664525u + 1013904223u;
      const int64_t x = k % kSide, y = k / kSide;
      const int64_t value[] = {x * 12, y * 12, (x / 2 + y / 2) % 2 * 180, (x / 4) % 2 * 180};
      image.pixels.push_back(static_cast<uint8_t>(value[label(index)] + (noise >> 16) % 60));
    }
    return {image, label(index)};
  }
  int64_t label(int64_t index) const override { return index % kClasses; }
  std::string describe(int64_t index) const override { return std::to_string(index); }
  const std::vector<std::string>& classes() const override { return classes_; }
  int64_t channels() const override { return 1; }

 private:
  std::vector<int64_t> broken_;
  std::vector<std::string> classes_ = {"a", "b", "c", "d"};
};

data::InputConfig input() {
  data::InputConfig input;
  input.channels = 1;
  input.height = input.width = kSide;
  input.crop_pct = 1;
  input.mean = {0.4};
  input.std = {0.3};
  return input;
}

torch::Tensor prepared(const io::Image& image) {
  return data::stack_images({data::prepare_for_evaluation(image, input())}, input());
}

// Untrained, but with a classifier that sees differences: its mean answer is taken off.
auto make_model() {
  auto model = models::create_model<models::ImageModel>(
      "resnet20", {{"num_classes", kClasses}, {"in_chans", 1}, {"img_size", kSide}}, 3);
  model->eval();
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> images;
  for (int64_t i = 0; i < kImages; ++i) images.push_back(prepared(Images().get(i).image));
  const auto logits = model->forward(torch::cat(images));
  for (auto& p : model->named_parameters())
    if (p.key() == "fc.bias") p.value().sub_(logits.mean(0));
  return model;
}

RobustnessOptions options(const std::string& on_bad_sample = "error") {
  RobustnessOptions options;
  options.images = 0;
  options.seed = kSeed;
  options.batch_size = 7;
  options.on_bad_sample = on_bad_sample;
  return options;
}

TEST(Robustness, IsTheAccuracyOnEachCorruptedImage) {
  auto model = make_model();
  Progress progress;
  // The third image is left out; the others keep their seeds.
  const auto measured =
      measure_robustness(*model, std::make_shared<Images>(std::vector{int64_t{2}}), input(),
                         options("skip"), progress);
  auto alone = options("skip");
  alone.workers = 0;
  EXPECT_EQ(braid::to_json(measured), braid::to_json(measure_robustness(
                                          *model, std::make_shared<Images>(std::vector{int64_t{2}}),
                                          input(), alone, progress)))
      << "any number of workers";
  EXPECT_EQ(measured.items, kImages - 1);
  EXPECT_EQ(measured.bad_samples, 1);
  const torch::NoGradGuard no_grad;
  const auto accuracy = [&](const std::function<io::Image(const io::Image&, uint64_t)>& change) {
    double right = 0;
    for (int64_t i = 0; i < kImages; ++i) {
      if (i == 2) continue;
      const auto example = Images().get(i);
      const auto image = change(example.image, static_cast<uint64_t>(kSeed + i));
      right += model->forward(prepared(image)).argmax(1).item<int64_t>() == example.label;
    }
    return 100 * right / (kImages - 1);
  };
  EXPECT_DOUBLE_EQ(measured.clean_score,
                   accuracy([](const auto& image, uint64_t) { return image; }));
  ASSERT_EQ(measured.corruptions.size(), corruptions().size() * kSeverities);
  std::set<double> values;
  for (const auto& row : measured.corruptions) {
    EXPECT_DOUBLE_EQ(row.score, accuracy([&](const auto& image, uint64_t seed) {
                       return corrupt(image, row.corruption, row.severity, seed);
                     }))
        << row.corruption << row.severity;
    values.insert(row.score);
  }
  EXPECT_GT(values.size(), 3u) << "the model tells too little apart for this test";
  ASSERT_EQ(measured.shuffled_patches.size(), 4u);
  EXPECT_DOUBLE_EQ(measured.shuffled_patches[0].score, measured.clean_score);
  for (const auto& row : measured.shuffled_patches)
    EXPECT_DOUBLE_EQ(row.score, accuracy([&](const auto& image, uint64_t seed) {
                       return shuffle_patches(image, row.grid, seed);
                     }))
        << row.grid;
}

TEST(Robustness, TakesASampleOfTheDataset) {
  auto model = make_model();
  Progress progress;
  auto few = options();
  few.images = 8;
  EXPECT_EQ(measure_robustness(*model, std::make_shared<Images>(), input(), few, progress).items,
            8);
}

TEST(Robustness, AnUnreadableImageIsAnErrorUnlessItIsToBeSkipped) {
  auto model = make_model();
  Progress progress;
  EXPECT_THROW(measure_robustness(*model, std::make_shared<Images>(std::vector{int64_t{2}}),
                                  input(), options(), progress),
               DataError);
  std::vector<int64_t> all(kImages);
  std::iota(all.begin(), all.end(), 0);
  EXPECT_THROW(
      measure_robustness(*model, std::make_shared<Images>(all), input(), options("skip"), progress),
      DataError);
}

TEST(Robustness, GridsFinerThanThePixelsAreLeftOut) {
  auto model = make_model();
  Progress progress;
  auto grids = options();
  grids.grids = {1, 16, 17};
  EXPECT_EQ(measure_robustness(*model, std::make_shared<Images>(), input(), grids, progress)
                .shuffled_patches.size(),
            2u);
}

}  // namespace
}  // namespace braid::evaluate
