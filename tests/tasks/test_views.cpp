// Test-time augmentation against torchvision's crops and airbench's own. See generate_views.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <utility>
#include <vector>

#include "braid/core/error.h"
#include "braid/data/image/crops.h"
#include "braid/data/memory_dataset.h"
#include "braid/io/evaluation_view.h"
#include "braid/runtime/tensor_file.h"
#include "braid/tasks/test_time_augmentation.h"

namespace braid::tasks {
namespace {

const runtime::TensorMap& views_fixture() {
  static const auto tensors =
      runtime::load_tensors(BRAID_TEST_SOURCE_DIR "/tasks/fixtures/views.safetensors");
  return tensors;
}

io::Image image_of(const torch::Tensor& pixels) {
  io::Image image{pixels.size(0), pixels.size(1), pixels.size(2), {}};
  image.pixels.assign(pixels.data_ptr<uint8_t>(), pixels.data_ptr<uint8_t>() + pixels.numel());
  return image;
}

// Shown at 8 pixels, of the shorter side's 11: nothing is resized.
data::InputConfig input_of(int64_t channels) {
  const auto n = static_cast<size_t>(channels);
  return {.channels = channels,
          .height = 8,
          .width = 8,
          .mean = std::vector<double>(n, 0),
          .std = std::vector<double>(n, 1),
          .crop_pct = 0.72};
}

// One after the other, [V,C,H,W].
torch::Tensor apart(const io::Image& stacked, int64_t views) {
  return torch::tensor(std::vector<int64_t>(stacked.pixels.begin(), stacked.pixels.end()))
      .reshape({views, stacked.height / views, stacked.width, stacked.channels})
      .permute({0, 3, 1, 2});
}

TEST(Views, CropsAreTorchvisions) {
  for (const std::string name : {"", "tall_"}) {
    const auto image = image_of(views_fixture().at(name + "image"));
    const auto input = input_of(image.channels);
    EXPECT_TRUE(apart(data::prepare_crops(image, input, false), 5)
                    .equal(views_fixture().at(name + "five_crop").to(torch::kInt64)));
    EXPECT_TRUE(apart(data::prepare_crops(image, input, true), 10)
                    .equal(views_fixture().at(name + "ten_crop").to(torch::kInt64)));
  }
}

// One row becomes eleven, and so many columns: none but the crops' are computed.
TEST(Views, CropsOfNarrowImagesAreThoseOfTheWholeOne) {
  const auto input = input_of(1);
  io::Image image{.height = 5, .width = 301, .channels = 1, .pixels = {}};
  for (int64_t i = 0; i < 5 * 301; ++i) image.pixels.push_back(static_cast<uint8_t>(i * i % 251));
  const auto whole = io::resize_for_evaluation(image, data::view_of(input));
  ASSERT_GT(whole.width, 600);
  const auto crops = apart(data::prepare_crops(image, input, true), 10);
  const int64_t below = whole.height - 8, beside = whole.width - 8;
  const auto all = apart(whole, 1)[0];
  int64_t at = 0;
  for (const bool mirrored : {false, true}) {
    const auto shown = mirrored ? all.flip(2) : all;
    for (const auto& [top, left] :
         std::vector<std::pair<int64_t, int64_t>>{{0, 0},
                                                  {0, beside},
                                                  {below, 0},
                                                  {below, beside},
                                                  {io::centred(below), io::centred(beside)}})
      EXPECT_TRUE(crops[at++].equal(shown.narrow(1, top, 8).narrow(2, left, 8))) << at;
  }
  io::Image thread{.height = 1, .width = 2'000'000, .channels = 1, .pixels = {}};
  thread.pixels.resize(2'000'000);
  rusage before{}, after{};
  ::getrusage(RUSAGE_SELF, &before);
  data::prepare_crops(thread, input, true);
  ::getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 100'000) << "KiB; all of it takes 240 MB";
}

torch::Tensor small_net(const torch::Tensor& x) {
  return x.flatten(1).to(torch::kDouble).mm(views_fixture().at("weight")).tanh();
}

TEST(Views, MirrorAndTranslateAreAirbenchs) {
  for (const char* name : {"mirror", "mirror_translate"}) {
    const Views views({.tta = name, .crop_pct = {}}, input_of(1));
    EXPECT_TRUE(views.logits(small_net, views_fixture().at("pixels"))
                    .allclose(views_fixture().at(name), 1e-13, 1e-13))
        << name;
  }
}

TEST(Views, LogitsOfCropsAreTheMeanOverAnImages) {
  const auto& pixels = views_fixture().at("tall_image");
  const auto expected = [&](const char* name) {
    return small_net(views_fixture().at(std::string("tall_") + name).to(torch::kFloat) / 255)
        .mean(0);
  };
  for (const char* name : {"five_crop", "ten_crop"}) {
    const Views views({.tta = name, .crop_pct = {}}, input_of(1));
    const auto stacked = views.stack({image_of(pixels), image_of(pixels)});
    EXPECT_EQ(stacked.sizes(), (std::vector<int64_t>{2, 1, 8 * views.count(), 8}));
    const auto logits = views.logits(small_net, stacked);
    ASSERT_EQ(logits.sizes(), (std::vector<int64_t>{2, 3}));
    for (int64_t i = 0; i < 2; ++i) EXPECT_TRUE(logits[i].allclose(expected(name), 1e-6, 1e-6));
  }
}

TEST(Views, TheLoaderGivesWhatStackDoes) {
  const auto image = image_of(views_fixture().at("image"));
  const auto dataset = std::make_shared<data::MemoryDataset>(
      "one", std::vector<data::Example>{{image, 1}, {image, 0}},
      std::vector<std::string>{"a", "b"});
  for (const char* name : {"none", "mirror", "ten_crop"}) {
    const Views views({.tta = name, .crop_pct = {}}, input_of(3));
    const auto loader = views.loader(dataset, {.batch_size = 2, .workers = 0});
    loader->start_epoch(0);
    const auto batch = loader->next();
    ASSERT_TRUE(batch);
    const int64_t count = batch->size();
    EXPECT_EQ(count, views.count() == 10 ? 1 : 2) << "crops of a batch are no more than its images";
    EXPECT_TRUE(batch->at(data::kPixelValues)
                    .equal(views.stack(std::vector(static_cast<size_t>(count), image))))
        << name;
  }
}

TEST(Views, CropsNeedSomethingAroundTheCentre) {
  auto input = input_of(3);
  input.crop_pct = 1;
  EXPECT_THROW(Views({.tta = "five_crop", .crop_pct = {}}, input), ConfigError);
  EXPECT_EQ(Views({.tta = "five_crop", .crop_pct = 0.8}, input).input().crop_pct, 0.8);
  EXPECT_EQ(Views({.tta = "mirror", .crop_pct = {}}, input).count(), 2);
  input.crop_pct = 0.8;
  input.crop_mode = "border";
  EXPECT_THROW(Views({.tta = "ten_crop", .crop_pct = {}}, input), ConfigError);
  EXPECT_THROW(Views({.tta = "twelve_crop", .crop_pct = {}}, input), ConfigError);
}

TEST(Views, AreOfImagesAlone) {
  EXPECT_NO_THROW(expect_no_views({}, "text encoder"));
  EXPECT_THROW(expect_no_views({.tta = "mirror", .crop_pct = {}}, "text encoder"), UsageError);
  EXPECT_THROW(expect_no_views({.tta = "none", .crop_pct = 0.9}, "text encoder"), UsageError);
}

}  // namespace
}  // namespace braid::tasks
