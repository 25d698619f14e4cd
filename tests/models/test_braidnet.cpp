// Composed hybrids: the same as named models where the vocabulary covers them, and every block
// learns.
#include "braid/models/vision/composer/braidnet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "braid/core/error.h"
#include "braid/models/describe.h"
#include "braid/models/macs.h"
#include "braid/models/registry.h"
#include "braid/models/vision/cost.h"
#include "braid/models/vision/image_checkpoint.h"
#include "braid/models/weights.h"
#include "braid/runtime/tensor_file.h"

namespace braid::models {
namespace {

using ::testing::HasSubstr;

ImageModelPtr compose(const std::string& line, int64_t side, int64_t classes = 5) {
  return create_model<ImageModel>("braidnet",
                                  {{"design", line}, {"img_size", side}, {"num_classes", classes}});
}

// Both models register the same layers in the same order.
void copy_in_order(const Model& from, Model& to) {
  const torch::NoGradGuard no_grad;
  const auto copy = [](const std::vector<torch::Tensor>& a, std::vector<torch::Tensor> b) {
    ASSERT_EQ(a.size(), b.size());
    for (size_t i = 0; i < a.size(); ++i) {
      ASSERT_EQ(a[i].numel(), b[i].numel()) << i;
      b[i].copy_(a[i].view_as(b[i]));
    }
  };
  copy(from.parameters(), to.parameters());
  copy(from.buffers(), to.buffers());
}

void expect_equal(const ImageModelPtr& named, const std::string& line, int64_t side) {
  auto composed = compose(line, side);
  copy_in_order(*named, *composed);
  named->eval();
  composed->eval();
  const auto images = torch::randn({2, 3, side, side});
  const auto expected = named->forward(images);
  EXPECT_LT((composed->forward(images) - expected).abs().max().item<double>(),
            1e-6 * expected.abs().max().item<double>());
  EXPECT_EQ(count_parameters(*composed), count_parameters(*named));
}

TEST(BraidNet, IsCoAtNetInOtherWords) {
  const auto named = create_model<ImageModel>(
      "coatnet_nano_rw_224", {{"depths", {1, 2, 2, 1}}, {"img_size", 64}, {"num_classes", 5}},
      /*seed=*/3);
  expect_equal(named,
               "stem=conv3x3s2,32+conv3x3,64(norm=none,act=identity)|C1x64|C2x128|T2x256|T1x512|"
               "head=norm",
               64);
}

TEST(BraidNet, IsMobileViTInOtherWords) {
  const auto named =
      create_model<ImageModel>("mobilevit_xs", {{"img_size", 96}, {"num_classes", 5}}, 3);
  expect_equal(named,
               "stem=conv3x3s2,16|I1x32s1|I3x48|IM1x64(transformer_dim=96)|"
               "IM1x80(transformer_dim=120,transformer_depth=4)|"
               "IM1x96(transformer_dim=144,transformer_depth=3)|head=conv384",
               96);
}

class Vocabulary : public ::testing::TestWithParam<const char*> {};

TEST_P(Vocabulary, LearnsAtEverySize) {
  for (const int64_t side : {28, 37}) {
    const auto model = compose(std::string("stem=conv3x3s2,8|") + GetParam(), side);
    model->train();
    const auto logits = model->forward(torch::randn({3, 3, side, side}));
    EXPECT_EQ(logits.sizes(), (std::vector<int64_t>{3, 5}));
    logits.square().mean().backward();
    for (const auto& p : model->named_parameters()) {
      ASSERT_TRUE(p.value().grad().defined()) << p.key();
      EXPECT_TRUE(p.value().grad().isfinite().all().item<bool>()) << p.key();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Blocks, Vocabulary,
    ::testing::Values("B2x16", "N2x16", "C2x16(se_ratio=0.5,act=relu)", "I2x16e3k5(se_ratio=0.25)",
                      "F2x16e2", "X2x16k5", "T2x16h2", "T2x16h2(pos=absolute)",
                      "T2x16h2(pos=rotary,ffn=conv)", "T2x16h2(pos=conv,ffn=leff)",
                      "T2x16h2(pos=none)", "T2x16h2(pos=relative,ffn=conv)", "W2x16h2w3",
                      "G2x16h2w3", "L2x16", "P2x16h2r2", "P1x16h2r4(ffn=leff)",
                      "M1x16(transformer_dim=24)", "D2x16h2p2", "CWG1x16h2w2", "C1x16|T1x16s1h2"),
    [](const auto& info) { return std::to_string(info.index); });

std::string building_error(const std::string& line) {
  try {
    find_model("braidnet:stem=conv3x3s2,8|" + line);
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "";
}

TEST(BraidNet, ErrorsShowTheOption) {
  EXPECT_THAT(building_error("C2x16h2"), HasSubstr("unknown option 'num_heads' of block C"));
  EXPECT_THAT(building_error("C2x16h2"), HasSubstr("character 23)"));
  EXPECT_THAT(building_error("T2x16h3"), HasSubstr("heads that divide 16 channels, got 3"));
  EXPECT_THAT(building_error("T2x16(pos=rotari)"), HasSubstr("did you mean 'rotary'"));
  EXPECT_THAT(building_error("X2x16k4"), HasSubstr("expected an odd kernel_size"));
  EXPECT_THAT(building_error("N2x18"), HasSubstr("4 divides"));
  EXPECT_THAT(building_error("C2x16s3"), HasSubstr("expected stride to be one of 1, 2"));
  EXPECT_THAT(building_error("C2x16e999"), HasSubstr("between 0 and"));
  EXPECT_THAT(building_error("T2x16e0"), HasSubstr("expand_ratio between 0.25 and"));
}

TEST(BraidNet, StemsOfAnyStrideMeetTheirPositions) {
  for (const char* stem : {"conv7x7s4,8", "conv3x3s3,8", "conv5x5s2*2,8", "patch4,8"}) {
    const auto model = compose(std::string("stem=") + stem + "|T1x16h2(pos=absolute)|T1x16h2", 37);
    EXPECT_EQ(model->forward(torch::randn({2, 3, 37, 37})).size(1), 5) << stem;
  }
}

// Also where blocks of another kind come first.
TEST(BraidNet, PositionsAreGivenOncePerStage) {
  const auto given = [](const std::string& stage, const std::string& key) {
    int64_t count = 0;
    for (const auto& item : compose("stem=conv3x3s2,8|" + stage, 32)->named_parameters())
      count += item.key().ends_with(key) ? 1 : 0;
    return count;
  };
  for (const char* blocks : {"T2x16h2", "CT2x16h2", "TT1x16h2", "PCT2x16h2"}) {
    EXPECT_EQ(given(std::string(blocks) + "(pos=absolute)", "pos_embed"), 1) << blocks;
    EXPECT_EQ(given(std::string(blocks) + "(pos=conv)", "pos.proj.0.weight"), 1) << blocks;
  }
}

TEST(BraidNet, StemErrorsShowTheOption) {
  const auto error = [](const std::string& options) -> std::string {
    try {
      find_model("braidnet:stem=conv3x3,8(" + options + ")|C1x8");
    } catch (const ConfigError& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_THAT(error("act=gellu"),
              ::testing::AllOf(HasSubstr("did you mean 'gelu'"), HasSubstr("character 16)")));
  EXPECT_THAT(error("act=gelu,norm=layer"), HasSubstr("character 25)"));
  EXPECT_THAT(error("bias=1"), HasSubstr("unknown option 'bias' of the stem"));
}

TEST(BraidNet, NoSqueezeMeansNone) {
  for (const auto& item : compose("stem=conv3x3,8|C1x8(se_ratio=0)", 28)->named_parameters())
    EXPECT_EQ(item.key().find("se."), std::string::npos) << item.key();
}

TEST(BraidNet, IsSavedUnderItsLine) {
  const auto folder =
      std::filesystem::temp_directory_path() / ("braid_composed_" + std::to_string(::getpid()));
  const auto model = create_model<ImageModel>("braidnet:stem=conv3x3s2,8|C1x8|T1x16h2",
                                              {{"img_size", 32}, {"num_classes", 2}});
  model->eval();
  auto hub = make_image_hub_config("braidnet:stem=conv3x3s2,8|C1x8|T1x16h2", *model);
  hub.classes = {"a", "b"};
  save_model(*model, hub, folder);
  const auto loaded = load_model(folder);
  std::filesystem::remove_all(folder);
  const auto images = torch::randn({1, 3, 32, 32});
  EXPECT_TRUE(loaded.model->forward(images).equal(model->forward(images)));
  EXPECT_EQ(loaded.hub.architecture, "braidnet:stem=conv3x3s2,8|C1x8|T1x16h2");
}

TEST(BraidNet, TakesWeightsOfAnotherImageSize) {
  const std::string line = "stem=conv3x3s2,8|T1x16h2(pos=absolute)|T1x16h2";
  const auto small = compose(line, 32), large = compose(line, 64);
  load_tensors_into(*large, runtime::named_state(*small), "memory");
  EXPECT_TRUE(large->forward(torch::randn({1, 3, 64, 64})).isfinite().all().item<bool>());
}

TEST(BraidNet, DescribesPartsThatAddUp) {
  const auto entry = find_model("braidnet:stem=conv3x3s2*2,16|C1x32|T2x32|head=conv64");
  int64_t params = 0, macs = 0;
  for (const auto& row : describe(entry)) {
    params += row.params;
    macs += row.macs.value();
  }
  const auto model = create_model<ImageModel>(entry.name);
  EXPECT_EQ(params, count_parameters(*model));
  EXPECT_EQ(macs, count_macs(*model, {1, 3, model->img_size(), model->img_size()}));
  EXPECT_EQ(describe(entry)[1].text, "C1x32");
}

TEST(BraidNet, NamesSplitAtCommasComeTogether) {
  const std::string line = "braidnet:stem=conv3x3s2,8|C1x8(act=relu,se_ratio=0.5)";
  EXPECT_THAT(resolve_names({"resnet20", "braidnet:stem=conv3x3s2", "8|C1x8(act=relu",
                             "se_ratio=0.5)", "resnet56"}),
              ::testing::ElementsAre("resnet20", line, "resnet56"));
  EXPECT_EQ(folder_name("resnet20"), "resnet20");
  EXPECT_THAT(folder_name(line), ::testing::MatchesRegex("braidnet-[0-9a-f]{8}"));
}

}  // namespace
}  // namespace braid::models
