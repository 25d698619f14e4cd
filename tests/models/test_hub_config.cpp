// config.json in timm's layout: what is written, and what of others' files is understood or
// refused.
#include "braid/models/vision/pretrained_cfg.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "braid/core/error.h"
#include "braid/models/registry.h"
#include "braid/models/vision/image_checkpoint.h"

namespace braid::models {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

class HubConfigFile : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() /
              ("braid_hub_config_" + std::to_string(::getpid()) + "_" +
               ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  ImageHubConfig read(const Json& json) const {
    std::ofstream(folder_ / "config.json") << json.dump();
    return read_image_hub_config(folder_ / "config.json");
  }
  std::string refusal(const Json& json) const {
    try {
      read(json);
    } catch (const DataError& e) {
      EXPECT_THAT(e.what(), HasSubstr("config.json"));
      return e.what();
    }
    return "no error";
  }

  fs::path folder_;
};

// As timm 1.0's save_for_hf writes a ViT of gray images.
Json timms() {
  return {{"architecture", "vit_tiny_patch16_224"},
          {"num_classes", 7},
          {"num_features", 192},
          {"global_pool", "token"},
          {"label_names", {"a", "b", "c", "d", "e", "f", "g"}},
          {"model_args",
           {{"in_chans", 1},
            {"num_classes", 7},
            {"global_pool", "token"},
            {"img_size", {48, 48}},
            {"dynamic_img_size", nullptr}}},
          {"pretrained_cfg",
           {{"tag", "augreg_in21k"},
            {"custom_load", false},
            {"input_size", {1, 48, 48}},
            {"fixed_input_size", true},
            {"interpolation", "bilinear"},
            {"crop_pct", 0.9},
            {"crop_mode", "squash"},
            {"mean", {0.4}},
            {"std", {0.3}},
            {"num_classes", 7},
            {"pool_size", nullptr},
            {"first_conv", "patch_embed.proj"},
            {"classifier", "head"}}}};
}

TEST_F(HubConfigFile, ReadsTimms) {
  const auto hub = read(timms());
  EXPECT_EQ(hub.architecture, "vit_tiny_patch16_224");
  EXPECT_EQ(hub.tag, "augreg_in21k");
  EXPECT_EQ(hub.model_args, (Json{{"in_chans", 1}, {"num_classes", 7}, {"img_size", 48}}));
  EXPECT_EQ(hub.global_pool, "token");
  EXPECT_EQ(hub.input.channels, 1);
  EXPECT_EQ(hub.input.height, 48);
  EXPECT_EQ(hub.input.interpolation, "bilinear");
  EXPECT_EQ(hub.input.crop_mode, "squash");
  EXPECT_EQ(hub.input.crop_pct, 0.9);
  EXPECT_EQ(hub.input.mean, std::vector<double>{0.4});
  EXPECT_EQ(hub.classes, (std::vector<std::string>{"a", "b", "c", "d", "e", "f", "g"}));
}

TEST_F(HubConfigFile, ReadsTimmsOlderOnesAndTags) {
  const auto old = read({{"architecture", "resnet18.a1_in1k"},
                         {"num_classes", 3},
                         {"input_size", {3, 96, 96}},
                         {"mean", {0.1, 0.2, 0.3}},
                         {"labels", {"x", "y", "z"}}});
  EXPECT_EQ(old.architecture, "resnet18");
  EXPECT_EQ(old.tag, "a1_in1k");
  EXPECT_EQ(old.model_args.at("num_classes"), 3);
  EXPECT_EQ(old.input.width, 96);
  EXPECT_EQ(old.input.mean[2], 0.3);
  EXPECT_EQ(old.classes.size(), 3u);
  const auto bare = read({{"architecture", "resnet18"}});
  EXPECT_EQ(bare.model_args.at("num_classes"), 1000);
  EXPECT_EQ(bare.input.height, 224);
  EXPECT_TRUE(bare.classes.empty());
}

TEST_F(HubConfigFile, NumbersForOtherChannelsAreAveraged) {
  Json json = timms();
  json["pretrained_cfg"]["mean"] = {0.1, 0.2, 0.6};
  json["pretrained_cfg"]["std"] = 0.5;
  const auto hub = read(json);
  ASSERT_EQ(hub.input.mean.size(), 1u);
  EXPECT_NEAR(hub.input.mean[0], 0.3, 1e-12);
  EXPECT_EQ(hub.input.std, std::vector<double>{0.5});
}

TEST_F(HubConfigFile, NamesAreThoseOfEveryClass) {
  Json json = timms();
  Json& names = json["label_names"];
  names = {{"6", "six"},   {"0", "zero"}, {"1", "one"}, {"2", "two"},
           {"3", "three"}, {"4", "four"}, {"5", "five"}};
  EXPECT_EQ(read(json).classes.at(6), "six") << "by number, as transformers has it";
  names.erase("3");
  EXPECT_THAT(refusal(json), AllOf(HasSubstr("label_names"), HasSubstr("none for 3")));
  names = {{"zero", 0}, {"one", 1}};
  EXPECT_THAT(refusal(json), AllOf(HasSubstr("label_names"), HasSubstr("none for 0")));
  names = {{"0", 7}};
  EXPECT_THAT(refusal(json), HasSubstr("none for 0"));
  names = Json::object();
  EXPECT_THAT(refusal(json), HasSubstr("expected 7 names in 'label_names', one per class, got 0"));
  names = {"a", "b"};
  EXPECT_THAT(refusal(json), HasSubstr("expected 7 names in 'label_names', one per class, got 2"));
  names = {"a", "b", "c", "d", "e", "f", "g", "h"};
  EXPECT_THAT(refusal(json), HasSubstr("one per class, got 8"));
  names = {1, 2, 3, 4, 5, 6, 7};
  EXPECT_THAT(refusal(json), HasSubstr("label_names"));
  names = nullptr;
  EXPECT_TRUE(read(json).classes.empty());
  names = {"a", "b"};
  json["num_classes"] = json["model_args"]["num_classes"] = 0;
  EXPECT_TRUE(read(json).classes.empty()) << "features alone have no names";
}

// The values are those of timm.data.resolve_data_config for a PretrainedCfg with these nulls.
TEST_F(HubConfigFile, NullIsTimmsDefaultNotTheArchitectures) {
  const Json nulls = {{"crop_pct", nullptr}, {"crop_mode", nullptr}, {"interpolation", nullptr},
                      {"mean", nullptr},     {"std", nullptr},       {"input_size", {3, 224, 224}}};
  for (const char* name : {"vit_tiny_patch16_224", "levit_128s", "resnet18"}) {
    const auto hub = read({{"architecture", name}, {"num_classes", 5}, {"pretrained_cfg", nulls}});
    EXPECT_EQ(hub.input.crop_pct, 0.875) << name;
    EXPECT_EQ(hub.input.crop_mode, "center") << name;
    EXPECT_EQ(hub.input.interpolation, "bicubic") << name;
    EXPECT_EQ(hub.input.mean, (std::vector<double>{0.485, 0.456, 0.406})) << name;
    EXPECT_EQ(hub.input.std, (std::vector<double>{0.229, 0.224, 0.225})) << name;
  }
}

TEST_F(HubConfigFile, WhatBraidLacksIsRefused) {
  Json json = timms();
  json["pretrained_cfg"]["input_size"] = {1, 48, 64};
  EXPECT_THAT(refusal(json), AllOf(HasSubstr("square"), HasSubstr("input_size")));
  json = timms();
  json["model_args"]["img_size"] = {48, 64};
  EXPECT_THAT(refusal(json), AllOf(HasSubstr("square"), HasSubstr("img_size")));
  json = timms();
  json["pretrained_cfg"]["interpolation"] = "lanczos";
  EXPECT_THAT(refusal(json), AllOf(HasSubstr("lanczos"), HasSubstr("bicubic")));
  json = timms();
  json["pretrained_cfg"]["crop_mode"] = 3;
  EXPECT_THAT(refusal(json), HasSubstr("crop_mode"));
  json = timms();
  json["architecture"] = "vit_tiny_patch17_224";
  EXPECT_THAT(refusal(json), HasSubstr("vit_tiny_patch16_224"));
  json["architecture"] = "/etc/hybrid.toml";
  EXPECT_THAT(refusal(json), HasSubstr("expected a name or a braidnet line"));
  json["architecture"] = "braidnet:stem=conv3x3s2,8|Q1x8";
  EXPECT_THAT(refusal(json), HasSubstr("Q"));
  EXPECT_THAT(refusal({{"architecture", 7}}), HasSubstr("architecture"));
  EXPECT_THAT(refusal({{"num_classes", 7}}), HasSubstr("architecture"));
  EXPECT_THAT(refusal(Json::array()), HasSubstr("object"));
}

TEST_F(HubConfigFile, NumbersBeyondReasonAreRefusedBeforeAnythingOfThatSizeIsMade) {
  Json json = timms();
  json["model_args"]["in_chans"] = 9'000'000'000'000'000'000;
  EXPECT_THAT(refusal(json), HasSubstr("in_chans between 1 and 1024"));
  json = timms();
  json["label_names"] = Json::object();
  json["model_args"]["num_classes"] = 1'000'000'000'000'000'000;
  EXPECT_THAT(refusal(json), HasSubstr("num_classes between"));
  json = timms();
  json["pretrained_cfg"]["crop_pct"] = 1e-12;
  EXPECT_THAT(refusal(json), HasSubstr("crop_pct"));
}

TEST_F(HubConfigFile, NestingBeyondReasonIsRefused) {
  const std::string deep = std::string(1'000'000, '[') + std::string(1'000'000, ']');
  std::ofstream(folder_ / "config.json")
      << R"({"architecture":"resnet18","model_args":{"x":)" << deep << "}}";
  EXPECT_THROW(read_image_hub_config(folder_ / "config.json"), DataError);
}

TEST_F(HubConfigFile, ANegativeRatioIsAConfigsFault) {
  Json json = timms();
  json["model_args"]["mlp_ratio"] = -1;
  read(json);
  EXPECT_THROW(load_model(folder_), DataError);
}

TEST_F(HubConfigFile, TransformersFilesEndInARemedy) {
  const Json vit = {{"architectures", {"ViTForImageClassification"}}, {"model_type", "vit"}};
  EXPECT_THAT(refusal(vit), AllOf(HasSubstr("ViTForImageClassification"),
                                  HasSubstr("`braid forward NAME --weights FILE.safetensors "
                                            "--save-weights FOLDER/`")));
  EXPECT_THAT(refusal({{"model_type", "resnet"}}), HasSubstr("transformers"));
}

TEST_F(HubConfigFile, ArgumentsThatTheModelLacksAreRefused) {
  const auto load = [&](const Json& json) -> std::string {
    read(json);
    try {
      load_model(folder_);
    } catch (const DataError& e) {
      return e.what();
    }
    return "no error";
  };
  Json json = timms();
  json["model_args"]["global_pool"] = "avg";
  EXPECT_THAT(load(json), AllOf(HasSubstr("global_pool"), HasSubstr("token")));
  json = timms();
  json["model_args"]["reg_tokens"] = 4;
  EXPECT_THAT(load(json), AllOf(HasSubstr("reg_tokens"), HasSubstr("config.json")));
}

TEST_F(HubConfigFile, WritesWhatTimmReads) {
  const auto model = create_model<ImageModel>("vit_tiny_patch16_224", {{"num_classes", 2},
                                                                       {"in_chans", 1},
                                                                       {"img_size", 48},
                                                                       {"depth", 2},
                                                                       {"drop_path_rate", 0.1}});
  auto hub = make_image_hub_config("vit_tiny_patch16_224.some_tag", *model);
  hub.classes = {"a", "b"};
  const Json json = image_hub_config_to_json(hub, *model);
  EXPECT_EQ(json.at("model_args"),
            (Json{{"num_classes", 2}, {"in_chans", 1}, {"img_size", 48}, {"depth", 2}}));
  EXPECT_EQ(json.at("global_pool"), "token");
  EXPECT_EQ(json.at("label_names"), Json(hub.classes));
  const Json& pretrained = json.at("pretrained_cfg");
  EXPECT_EQ(pretrained.at("tag"), "some_tag");
  EXPECT_EQ(pretrained.at("input_size"), Json({1, 48, 48}));
  EXPECT_EQ(pretrained.at("fixed_input_size"), true);
  EXPECT_EQ(pretrained.at("mean"), Json({0.5}));
  EXPECT_EQ(pretrained.at("first_conv"), "patch_embed.proj");
  EXPECT_EQ(pretrained.at("classifier"), "head");
  EXPECT_TRUE(pretrained.at("pool_size").is_null());
  const auto again = read(json);
  EXPECT_EQ(again.model_args, model->config());
  EXPECT_EQ(again.tag, "some_tag");

  const auto resnet = create_model<ImageModel>("resnet18", {{"img_size", 96}});
  const Json free = image_hub_config_to_json(make_image_hub_config("resnet18", *resnet), *resnet);
  EXPECT_FALSE(free.at("model_args").contains("img_size")) << "timm's ResNet takes none";
  EXPECT_EQ(free.at("pretrained_cfg").at("pool_size"), Json({3, 3}));
  EXPECT_FALSE(free.at("pretrained_cfg").contains("tag"));
  EXPECT_FALSE(free.contains("label_names"));
}

TEST(Tags, AreNoPartOfTheArchitecture) {
  EXPECT_EQ(find_model("resnet18.a1_in1k").name, "resnet18");
  EXPECT_EQ(tag_of("resnet18.fb_swsl_ig1b_ft_in1k"), "fb_swsl_ig1b_ft_in1k");
  EXPECT_EQ(tag_of("resnet18"), "");
  EXPECT_THROW(find_model("resnet19.a1_in1k"), UsageError);
  EXPECT_EQ(create_model<ImageModel>("resnet18.a1_in1k", {{"num_classes", 2}})
                ->config()
                .at("num_classes"),
            2);
}

}  // namespace
}  // namespace braid::models
