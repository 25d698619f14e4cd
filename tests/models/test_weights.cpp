// Weights into a model: strictly, and adapted for fine-tuning; and the words in which it is said.
#include "braid/models/weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>

#include "braid/core/error.h"
#include "braid/models/load_plan.h"
#include "braid/models/registry.h"
#include "braid/models/vision/image_model.h"

namespace braid::models {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Lines final : public Progress {
 public:
  void line(const std::string& text) override { lines.push_back(text); }
  std::vector<std::string> lines;
};

class Weights : public ::testing::Test {
 protected:
  void SetUp() override {
    file_ = fs::temp_directory_path() /
            ("braid_weights_" + std::to_string(::getpid()) + "_" +
             ::testing::UnitTest::GetInstance()->current_test_info()->name() + ".safetensors");
  }
  void TearDown() override { fs::remove_all(file_); }

  static ImageModelPtr make(const std::string& name, int64_t classes, int64_t channels,
                            int64_t size, uint64_t seed) {
    return create_model<ImageModel>(
        name, {{"num_classes", classes}, {"in_chans", channels}, {"img_size", size}}, seed);
  }
  // What goes wrong when these tensors are loaded; the model must be as before.
  template <class Load>
  std::string refusal(Model& model, const runtime::TensorMap& tensors, Load load) {
    runtime::save_tensors(tensors, file_);
    runtime::TensorMap before;
    for (const auto& [name, tensor] : runtime::named_state(model)) before[name] = tensor.clone();
    try {
      load();
    } catch (const DataError& e) {
      for (const auto& [name, tensor] : runtime::named_state(model))
        EXPECT_TRUE(tensor.equal(before.at(name))) << name << " was loaded nevertheless";
      return e.what();
    }
    return "no error";
  }

  fs::path file_;
  Lines progress_;
};

TEST_F(Weights, FineTuningAdaptsClassifierChannelsAndPositionsAndSaysSo) {
  const auto old = make("vit_tiny_patch16_224", 5, 3, 64, 1);
  const auto fresh = make("vit_tiny_patch16_224", 7, 1, 48, 2);
  const auto head = runtime::named_state(*fresh).at("head.weight").clone();
  save_weights(*old, file_);
  load_weights_to_fine_tune(*fresh, file_, progress_);
  const auto from = runtime::named_state(*old), to = runtime::named_state(*fresh);
  EXPECT_TRUE(to.at("head.weight").equal(head)) << "the classifier is the model's own";
  EXPECT_TRUE(to.at("patch_embed.proj.weight")
                  .allclose(from.at("patch_embed.proj.weight").sum(1, /*keepdim=*/true)));
  EXPECT_TRUE(to.at("pos_embed").equal(fresh->resample_weight("pos_embed", from.at("pos_embed"))));
  for (const char* name : {"blocks.11.attn.qkv.weight", "norm.bias", "cls_token"})
    EXPECT_TRUE(to.at(name).equal(from.at(name))) << name;
  EXPECT_THAT(progress_.lines,
              ElementsAre(AllOf(HasSubstr("5 classes"), HasSubstr("with 7"), HasSubstr("head")),
                          AllOf(HasSubstr("patch_embed.proj.weight takes 3 channels"),
                                HasSubstr("the images have 1"), HasSubstr("summed")),
                          AllOf(HasSubstr("pos_embed [1,17,192] to [1,10,192]"),
                                HasSubstr(file_.filename().string()))));
}

// What `{k: v.half() for k, v in ...}` and timm's avg_checkpoints.py make of a counter.
TEST_F(Weights, CountersComeInAnyNumberType) {
  const auto model = make("resnet20", 5, 3, 32, 1);
  for (const auto dtype : {torch::kHalf, torch::kFloat, torch::kBFloat16, torch::kDouble,
                           torch::kInt32, torch::kUInt8, torch::kBool}) {
    runtime::TensorMap tensors;
    int64_t counters = 0;
    for (const auto& [name, tensor] : runtime::named_state(*model)) {
      tensors[name] = tensor.detach();
      if (!name.ends_with("num_batches_tracked")) continue;
      tensors[name] = torch::tensor(1).to(dtype);
      ++counters;
    }
    ASSERT_GT(counters, 0);
    runtime::save_tensors(tensors, file_);
    const auto other = make("resnet20", 5, 3, 32, 2);
    load_weights(*other, file_);
    for (const auto& [name, tensor] : runtime::named_state(*other))
      EXPECT_TRUE(tensor.equal(name.ends_with("num_batches_tracked") ? torch::tensor(int64_t{1})
                                                                     : tensors.at(name)))
          << name << " from " << dtype;
  }
  runtime::TensorMap beyond;
  for (const auto& [name, tensor] : runtime::named_state(*model))
    beyond[name] = name.ends_with("num_batches_tracked") ? torch::tensor(100000).to(torch::kHalf)
                                                         : tensor.detach();
  runtime::save_tensors(beyond, file_);
  EXPECT_NO_THROW(load_weights(*model, file_)) << "more than half precision can count";
  beyond["fc.weight"] = beyond.at("fc.weight").to(torch::kInt8);
  EXPECT_THAT(refusal(*model, beyond, [&] { load_weights(*model, file_); }),
              HasSubstr("quantized"));
}

TEST_F(Weights, WhatIsNotFiniteIsNamed) {
  for (const float value : {NAN, INFINITY, -INFINITY}) {
    const auto model = make("resnet20", 5, 3, 32, 1);
    runtime::TensorMap tensors;
    for (const auto& [name, tensor] : runtime::named_state(*model))
      tensors[name] = tensor.detach().clone();
    tensors.at("fc.bias")[2] = value;
    runtime::save_tensors(tensors, file_);
    try {
      load_weights(*model, file_);
      FAIL() << "no error";
    } catch (const DataError& e) {
      EXPECT_THAT(e.what(), AllOf(HasSubstr("fc.bias"), HasSubstr("not finite"),
                                  HasSubstr(file_.filename().string())));
    }
  }
}

TEST_F(Weights, NothingIsSaidWhereNothingIsAdapted) {
  const auto old = make("resnet20", 5, 3, 32, 1), same = make("resnet20", 5, 3, 64, 2);
  save_weights(*old, file_);
  load_weights_to_fine_tune(*same, file_, progress_);
  EXPECT_THAT(progress_.lines, IsEmpty());
  const auto to = runtime::named_state(*same);
  for (const auto& [name, tensor] : runtime::named_state(*old))
    EXPECT_TRUE(tensor.equal(to.at(name)));
}

TEST_F(Weights, EveryHeadIsReplaced) {
  const char* name = "deit_tiny_distilled_patch16_224";
  const auto old = make(name, 5, 3, 32, 1), fresh = make(name, 6, 3, 32, 2);
  runtime::TensorMap own;
  for (const auto& [key, tensor] : runtime::named_state(*fresh)) own[key] = tensor.clone();
  save_weights(*old, file_);
  load_weights_to_fine_tune(*fresh, file_, progress_);
  for (const char* key : {"head.weight", "head.bias", "head_dist.weight", "head_dist.bias"})
    EXPECT_TRUE(runtime::named_state(*fresh).at(key).equal(own.at(key))) << key;
  EXPECT_THAT(progress_.lines, ElementsAre(HasSubstr("head, head_dist")));
}

TEST_F(Weights, ABackboneWithoutClassifierGetsAFreshOne) {
  const auto old = make("resnet20", 0, 3, 32, 1), fresh = make("resnet20", 4, 3, 32, 2);
  save_weights(*old, file_);
  load_weights_to_fine_tune(*fresh, file_, progress_);
  EXPECT_THAT(progress_.lines, ElementsAre(HasSubstr("no classifier")));
}

// Also where more than the classifier's own layer goes with it.
TEST_F(Weights, AModelWithoutClassifierTakesTheFilesOfOthers) {
  const std::map<std::string, Json> small = {{"resnet20", {}},
                                             {"levit_128s", {{"depths", {1, 1, 1}}}},
                                             {"caformer_s18", {{"depths", {1, 1, 1, 1}}}},
                                             {"repvit_m1", {{"depths", {1, 1, 1, 1}}}},
                                             {"mobile_former_96m", {}},
                                             {"deit_tiny_distilled_patch16_224", {{"depth", 1}}}};
  for (const auto& [name, fields] : small) {
    Json whole = fields.is_null() ? Json::object() : fields, bare = whole;
    whole.update({{"num_classes", 5}, {"img_size", 32}});
    bare.update({{"num_classes", 0}, {"img_size", 32}});
    const auto classifier = create_model<ImageModel>(name, whole, 1);
    const auto features = create_model<ImageModel>(name, bare, 2);
    save_weights(*classifier, file_);
    load_weights(*features, file_);
    const auto from = runtime::named_state(*classifier);
    for (const auto& [key, tensor] : runtime::named_state(*features))
      EXPECT_TRUE(tensor.equal(from.at(key))) << name << " " << key;
    // And the other way round a fresh head grows, and is named.
    save_weights(*features, file_);
    load_weights_to_fine_tune(*create_model<ImageModel>(name, whole, 3), file_, progress_);
    EXPECT_THAT(progress_.lines.back(),
                AnyOf(HasSubstr("no classifier"), HasSubstr("begins fresh: head")))
        << name;
  }
}

TEST_F(Weights, TablesOfIndicesAreLeftOut) {
  const auto model =
      create_model<ImageModel>("swin_tiny_patch4_window7_224",
                               {{"img_size", 32}, {"depths", {1, 2}}, {"num_heads", {3, 6}}});
  auto tensors = runtime::named_state(*model);
  tensors["layers.0.blocks.0.attn.relative_position_index"] = torch::arange(4);
  tensors["layers.1.blocks.1.attn_mask"] = torch::zeros({1, 2, 2});
  load_tensors_into(*model, tensors, "memory");
  const auto levit =
      create_model<ImageModel>("levit_128s", {{"img_size", 32}, {"depths", {1, 1, 1}}});
  tensors = runtime::named_state(*levit);
  tensors["stages.0.blocks.0.attn.attention_bias_idxs"] = torch::zeros({4, 4}, torch::kLong);
  load_tensors_into(*levit, tensors, "memory");
}

TEST_F(Weights, ChannelsByTimmsRule) {
  const auto weight = torch::arange(2 * 3 * 2 * 2, torch::kFloat).reshape({2, 3, 2, 2});
  const auto channel = [&](int64_t c) { return weight.select(1, c); };
  EXPECT_TRUE(adapt_input_convolution(weight, 3).equal(weight));
  EXPECT_TRUE(adapt_input_convolution(weight, 1).equal(weight.sum(1, true)));
  const auto five = adapt_input_convolution(weight, 5);
  ASSERT_EQ(five.sizes(), (std::vector<int64_t>{2, 5, 2, 2}));
  for (int64_t c = 0; c < 5; ++c)
    EXPECT_TRUE(five.select(1, c).allclose(channel(c % 3) * (3.0 / 5))) << c;
  const auto two = adapt_input_convolution(weight, 2);
  EXPECT_TRUE(two.select(1, 1).allclose(channel(1) * (3.0 / 2)));
  const auto gray = weight.narrow(1, 0, 1);
  EXPECT_TRUE(adapt_input_convolution(gray, 3).select(1, 2).allclose(channel(0) / 3.0));
}

// A gray image's channels are one, as are a depthwise convolution's per group.
TEST_F(Weights, DepthwiseConvolutionsAreNoInputConvolutions) {
  EXPECT_THAT(make("coatnet_nano_rw_224", 3, 1, 32, 1)->input_weights(),
              ElementsAre("stem.conv1.weight"));
  EXPECT_THAT(make("resnet18", 3, 3, 32, 1)->input_weights(), ElementsAre("conv1.weight"));
}

TEST_F(Weights, ThePlanSaysWhatBecomesOfEveryTensor) {
  const auto old = make("vit_tiny_patch16_224", 5, 3, 64, 1);
  const auto fresh = make("vit_tiny_patch16_224", 7, 1, 48, 2);
  save_weights(*old, file_);
  const auto plan = plan_load(*fresh, source_of(file_), /*fine_tune=*/true);
  EXPECT_EQ(plan.steps.size(), runtime::named_state(*fresh).size());
  for (const auto& [name, step] : plan.steps) {
    const auto expected = name.starts_with("head.")           ? Fit::kKeep
                          : name == "patch_embed.proj.weight" ? Fit::kAdapt
                          : name == "pos_embed"               ? Fit::kResample
                                                              : Fit::kCopy;
    EXPECT_EQ(step.fit, expected) << name;
    EXPECT_EQ(step.fitted.defined(), expected == Fit::kAdapt || expected == Fit::kResample) << name;
  }
  ASSERT_TRUE(plan.head.has_value());
  EXPECT_EQ(plan.head->before, 5);
  EXPECT_EQ(plan.head->now, 7);
  // What is planned is not yet done.
  EXPECT_FALSE(runtime::named_state(*fresh)
                   .at("cls_token")
                   .equal(runtime::named_state(*old).at("cls_token")));
}

TEST_F(Weights, AFileAndItsMetadataAreReadAtOnce) {
  runtime::save_tensors({{"a", torch::arange(4)}}, file_, {{"format", "pt"}, {"version", "3"}});
  const auto [tensors, metadata] = runtime::load_tensor_file(file_);
  EXPECT_TRUE(tensors.at("a").equal(torch::arange(4)));
  EXPECT_EQ(metadata.at("version"), "3");
}

TEST_F(Weights, AnythingElseIsRefusedByName) {
  const auto model = make("resnet20", 5, 3, 32, 1);
  const auto whole = runtime::named_state(*make("resnet20", 6, 3, 32, 2));
  const auto lenient = [&](const runtime::TensorMap& tensors) {
    return refusal(*model, tensors, [&] { load_weights_to_fine_tune(*model, file_, progress_); });
  };
  runtime::TensorMap broken = whole;
  broken.erase("layer2.0.bn1.bias");
  EXPECT_THAT(lenient(broken), AllOf(HasSubstr("missing tensor 'layer2.0.bn1.bias'"),
                                     HasSubstr(file_.filename().string())));
  broken = whole;
  broken["extra"] = torch::zeros({1});
  EXPECT_THAT(lenient(broken), HasSubstr("unexpected tensor 'extra'"));
  broken = whole;
  broken["layer2.0.conv1.weight"] = torch::zeros({32, 15, 3, 3});
  EXPECT_THAT(lenient(broken), AllOf(HasSubstr("layer2.0.conv1.weight"), HasSubstr("[32,15,3,3]")));
  broken = whole;
  broken["fc.weight"] = torch::zeros({6, 63});  // other features, not other classes
  EXPECT_THAT(lenient(broken), HasSubstr("fc.weight"));
  broken = whole;
  broken["conv1.weight"] = torch::zeros({16, 1, 5, 5});  // another kernel, not other channels
  EXPECT_THAT(lenient(broken), HasSubstr("conv1.weight"));
  broken = whole;
  broken["conv1.weight"] = torch::zeros({16, 3, 3, 3}, torch::kChar);
  EXPECT_THAT(lenient(broken), AllOf(HasSubstr("conv1.weight"), HasSubstr("quantized")));
}

TEST_F(Weights, EmptyTensorsAreRefused) {
  const auto cnn = make("resnet20", 5, 3, 32, 1);
  auto tensors = runtime::named_state(*cnn);
  tensors["conv1.weight"] = torch::zeros({16, 0, 3, 3});
  EXPECT_THAT(refusal(*cnn, tensors, [&] { load_weights_to_fine_tune(*cnn, file_, progress_); }),
              HasSubstr("conv1.weight"));
  const auto vit = make("vit_tiny_patch16_224", 5, 3, 32, 1);
  tensors = runtime::named_state(*vit);
  tensors["pos_embed"] = torch::zeros({1, 0, 192});
  EXPECT_THAT(refusal(*vit, tensors, [&] { load_weights(*vit, file_); }), HasSubstr("pos_embed"));
}

TEST_F(Weights, StrictLoadingAdaptsNeitherClassesNorChannels) {
  const auto model = make("resnet20", 5, 3, 32, 1);
  const auto strict = [&](const runtime::TensorMap& tensors) {
    return refusal(*model, tensors, [&] { load_weights(*model, file_); });
  };
  EXPECT_THAT(strict(runtime::named_state(*make("resnet20", 6, 3, 32, 2))), HasSubstr("fc."));
  EXPECT_THAT(strict(runtime::named_state(*make("resnet20", 5, 1, 32, 2))),
              HasSubstr("conv1.weight"));
}

TEST_F(Weights, WrappersHalfPrecisionAndOldCounters) {
  const auto old = make("resnet20", 5, 3, 32, 1);
  for (const std::string prefix :
       {"module.", "model.", "_orig_mod.", "_orig_mod.module.", "module._orig_mod."})
    for (const auto dtype : {torch::kFloat, torch::kHalf, torch::kBFloat16}) {
      runtime::TensorMap tensors;
      for (const auto& [name, tensor] : runtime::named_state(*old))
        if (!name.ends_with("num_batches_tracked")) tensors[prefix + name] = tensor.to(dtype);
      runtime::save_tensors(tensors, file_);
      const auto model = make("resnet20", 5, 3, 32, 2);
      load_weights(*model, file_);
      for (const auto& [name, tensor] : runtime::named_state(*model)) {
        if (!tensor.is_floating_point()) continue;
        EXPECT_EQ(tensor.scalar_type(), torch::kFloat);
        EXPECT_TRUE(tensor.equal(runtime::named_state(*old).at(name).to(dtype).to(torch::kFloat)))
            << prefix << name;
      }
    }
  runtime::TensorMap some = runtime::named_state(*old);
  some["module.fc.bias"] = some.at("fc.bias");
  some.erase("fc.bias");
  EXPECT_EQ(without_wrapper(some, *old).count("module.fc.bias"), 1u) << "not all have the prefix";
}

}  // namespace
}  // namespace braid::models
