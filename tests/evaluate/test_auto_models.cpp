// Which models are taken when none is named, and what simple classifiers make of images.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "braid/data/memory_dataset.h"
#include "braid/evaluate/image/auto_models.h"
#include "braid/evaluate/image/references.h"
#include "braid/evaluate/text/auto_models.h"

namespace braid::evaluate {
namespace {

using ::testing::ElementsAre;

// passes: of the models whose names hold the key; 0.1 for others.
std::vector<ModelChoice> choices(const AutoModelOptions& options,
                                 const std::map<std::string, double>& passes) {
  const auto profile = [](const std::string& name) {
    ModelProfile made;
    made.name = name;
    made.params = name == "airbench94" ? 2'000'000 : 100'000;
    return made;
  };
  const auto reach = [&](const ModelProfile& p) {
    const auto it = passes.find(p.name);
    return it == passes.end() ? 0.1 : it->second;
  };
  return choose_models(options, profile, reach);
}

std::vector<std::string> chosen(const AutoModelOptions& options,
                                const std::map<std::string, double>& passes) {
  std::vector<std::string> names;
  for (const auto& choice : choices(options, passes)) names.push_back(choice.name);
  return names;
}

TEST(AutoModels, SayHowOftenTheySeeTheData) {
  const auto reason = [](double passes) {
    return choices({.side = 300, .train_items = 160, .max_params = {}},
                   {{"airbench_nano_64", passes}})
        .front()
        .reason;
  };
  EXPECT_EQ(reason(103), "the smallest of its kind, 103 passes over the training images");
  EXPECT_EQ(reason(0.54), "the smallest of its kind, 0.5 passes over the training images");
}

TEST(AutoModels, AreTheLargestThatSeeEnough) {
  const AutoModelOptions small{.side = 28, .train_items = 60'000, .max_params = {}};
  EXPECT_THAT(chosen(small, {}),
              ElementsAre("airbench_nano", "airvit_nano", "vit_nano_patch7_gap_28"));
  const std::map<std::string, double> two = {{"airbench_nano", 20}, {"airbench_tiny", 6}};
  AutoModelOptions sizes = small;
  sizes.per_family = 2;
  EXPECT_THAT(chosen(sizes, two), ElementsAre("airbench_nano", "airbench_tiny", "airvit_nano",
                                              "vit_nano_patch7_gap_28"));
  EXPECT_THAT(chosen(small, {{"airbench_nano", 20}, {"airbench_tiny", 6}, {"airbench_small", 3}}),
              ElementsAre("airbench_tiny", "airvit_nano", "vit_nano_patch7_gap_28"));
  EXPECT_EQ(chosen(small, {{"airbench_nano", 20}, {"airbench_tiny", 4.5}}).front(),
            "airbench_tiny");
  EXPECT_EQ(chosen(small, {{"airbench_nano", 20}, {"airbench_tiny", 4.4}}).front(),
            "airbench_nano");
  EXPECT_THAT(chosen(small, {{"airvit_tiny", 4.9}, {"vit_nano_patch4_gap_32", 4.9}}),
              ElementsAre("airbench_nano", "airvit_nano", "vit_nano_patch7_gap_28"));
  EXPECT_THAT(chosen(small, {{"airvit_tiny", 5}, {"vit_nano_patch4_gap_32", 5.9}}),
              ElementsAre("airbench_nano", "airvit_tiny", "vit_nano_patch7_gap_28"));
  EXPECT_THAT(chosen(small, {{"airvit_tiny", 5}, {"vit_nano_patch4_gap_32", 6}}),
              ElementsAre("airbench_nano", "airvit_tiny", "vit_nano_patch4_gap_32"));
  const std::map<std::string, double> all = {
      {"airbench_nano", 90}, {"airbench_tiny", 80}, {"airbench_small", 70}, {"airbench94", 60}};
  EXPECT_EQ(chosen(small, all).front(), "airbench94");
  EXPECT_EQ(chosen({.side = 28, .train_items = 60'000, .max_params = 500'000}, all).front(),
            "airbench_small");
  // Many passes over few images are not enough images.
  EXPECT_EQ(chosen({.side = 28, .train_items = 500, .max_params = {}},
                   {{"airbench_nano", 900}, {"airbench_tiny", 100}})
                .front(),
            "airbench_nano");
  EXPECT_EQ(chosen({.side = 300, .train_items = 2000, .max_params = {}}, {}).front(),
            "airbench_nano_64");
}

TEST(AutoModels, AreWithinTheLimitOfLatency) {
  const std::map<std::string, double> latency_ms = {
      {"airbench_nano", 0.4}, {"airbench_tiny", 0.9}, {"airvit_nano", 1.5}};
  std::vector<std::string> names;
  for (const auto& choice : choose_models(
           {.side = 28, .train_items = 60'000, .max_params = {}, .max_latency_ms = 0.5},
           [&](const std::string& name) {
             ModelProfile made;
             made.name = name;
             if (const auto it = latency_ms.find(name); it != latency_ms.end())
               made.latency_ms = it->second;
             return made;
           },
           [](const ModelProfile&) { return 1000.0; }))
    names.push_back(choice.name);
  // Of hybrids none meets it; what is unknown of ViTs rules none out.
  EXPECT_THAT(names, ElementsAre("airbench_nano", "vit_micro_patch4_gap_32"));
}

TEST(AutoModels, PretrainedAreTheLargestWithPublishedWeights) {
  const AutoModelOptions few{.side = 28, .train_items = 1000, .max_params = {}, .pretrained = true};
  EXPECT_THAT(chosen(few, {}),
              ElementsAre("mobilenetv3_small_100=hf-hub:timm/mobilenetv3_small_100.lamb_in1k",
                          "mobilevit_xxs=hf-hub:timm/mobilevit_xxs.cvnets_in1k",
                          "vit_tiny_patch16_224=hf-hub:timm/"
                          "vit_tiny_patch16_224.augreg_in21k_ft_in1k"));
  // Three passes are enough, however few images that are.
  EXPECT_EQ(chosen(few, {{"mobilenetv3_small_100", 9}, {"resnet18", 3}, {"resnet50", 2.9}}).front(),
            "resnet18=hf-hub:timm/resnet18.a1_in1k");
}

TEST(AutoModels, OfTextsAFamilyWithoutPublishedWeightsIsLeftOut) {
  std::vector<std::string> names;
  for (const auto& choice : choose_text_models(
           {.train_items = 1000, .max_params = {}, .pretrained = true},
           [](const std::string& name) {
             ModelProfile made;
             made.name = name;
             return made;
           },
           [](const ModelProfile& p) { return p.name == "bert_small" ? 3 : 9; }))
    names.push_back(choice.name);
  EXPECT_THAT(names, ElementsAre("bert_mini=hf-hub:google/bert_uncased_L-4_H-256_A-4",
                                 "convbert_medium_small=hf-hub:YituTech/conv-bert-medium-small"));
}

// Images whose left or right half is bright.
class Halves final : public data::Dataset {
 public:
  int64_t size() const override { return 40; }
  data::Example get(int64_t index) const override {
    io::Image image{6, 6, 1, std::vector<uint8_t>(36, static_cast<uint8_t>(index))};
    for (size_t y = 0; y < 6; ++y)
      for (size_t x = 0; x < 3; ++x) image.pixels[y * 6 + x + (label(index) == 0 ? 0 : 3)] = 200;
    return {image, label(index)};
  }
  int64_t label(int64_t index) const override { return index % 4 == 0 ? 0 : 1; }
  std::string describe(int64_t index) const override { return std::to_string(index); }
  const std::vector<std::string>& classes() const override { return classes_; }
  int64_t channels() const override { return 1; }

 private:
  std::vector<std::string> classes_ = {"left", "right"};
};

TEST(References, AreAGuessALinearModelAndALookUp) {
  Progress silent;
  const auto images = std::make_shared<Halves>();
  const auto rows =
      measure_references(images, images, data::measure_statistics(*images), {}, silent).rows;
  ASSERT_EQ(rows.size(), 3u);
  std::map<std::string, double> top1;
  for (const auto& row : rows) top1[row.name] = row.score.value;
  EXPECT_EQ(top1.at("majority"), 75);  // three quarters are right halves
  EXPECT_EQ(top1.at("linear"), 100);
  EXPECT_EQ(top1.at("nearest"), 100);
  EXPECT_EQ(rows.back().name, "majority") << "the best first";
}

}  // namespace
}  // namespace braid::evaluate
