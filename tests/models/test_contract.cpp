// What every registered model promises, checked for each one of the registry by itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "braid/core/error.h"
#include "braid/models/product_weights.h"
#include "braid/models/registry.h"
#include "braid/models/vision/image_checkpoint.h"
#include "braid/models/vision/inputs.h"
#include "braid/runtime/eval_scope.h"
#include "braid/runtime/tensor_file.h"

namespace braid::models {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> names() {
  std::vector<std::string> list;
  for (const auto& entry : registry().entries())
    if (entry.kind == ImageModel::kKind) list.push_back(entry.name);
  return list;
}

// The model with one or two blocks a stage at full width, so that the whole registry takes minutes.
Json shrunk(const ModelEntry& entry) {
  Json fields = Json::object();
  for (const char* name : {"layers", "depths"})
    if (entry.config.contains(name))
      for (const int64_t depth : entry.config[name].get<std::vector<int64_t>>())
        fields[name].push_back(std::min<int64_t>(depth, 2));
  if (entry.config.contains("depth")) fields["depth"] = 2;
  if (entry.name.starts_with("vgg")) fields["mlp_ratio"] = 0.0625;  // 120 M parameters otherwise
  return fields;
}

class Contract : public ::testing::TestWithParam<std::string> {
 protected:
  static constexpr int64_t kSide = 32;  // pixels: small enough for every model in little time
  ImageModelPtr make(int64_t channels = 3, int64_t side = kSide, int64_t classes = 7) const {
    Json fields = shrunk(find_model(GetParam()));
    fields.update({{"num_classes", classes}, {"in_chans", channels}, {"img_size", side}});
    return create_model<ImageModel>(GetParam(), fields, 1);
  }
};

TEST_P(Contract, TakesImagesOfAnotherShapeOrSaysWhichItIsFor) {
  const torch::InferenceMode no_grad;
  const auto model = make();
  model->eval();
  for (const auto& [height, width] : {std::pair{kSide, kSide * 3 / 2}, {kSide / 2, kSide * 2}}) {
    try {
      const auto logits = model->forward(torch::randn({2, 3, height, width}));
      EXPECT_EQ(logits.sizes(), (std::vector<int64_t>{2, 7})) << height << " x " << width;
    } catch (const UsageError& e) {
      EXPECT_THAT(e.what(), ::testing::HasSubstr("expected images of 32 x 32 pixels"));
    }
  }
}

TEST_P(Contract, TakesGrayAndColourOfManySizes) {
  const torch::InferenceMode no_grad;
  for (const auto& [channels, side] : {std::pair{1, 28}, {3, 32}, {2, 37}, {3, 224}}) {
    if (side == 224 && image_input(find_model(GetParam())).height < 64)
      continue;  // made for small images
    const auto model = make(channels, side);
    model->eval();
    const auto logits = model->forward(torch::randn({2, channels, side, side}));
    EXPECT_EQ(logits.sizes(), (std::vector<int64_t>{2, 7})) << channels << " x " << side;
    EXPECT_TRUE(logits.isfinite().all().item<bool>()) << channels << " x " << side;
  }
}

TEST_P(Contract, EveryParameterGetsAFiniteGradient) {
  const auto model = make();
  model->train();
  const auto [logits, distilled] = model->forward_distilled(torch::randn({4, 3, kSide, kSide}));
  auto loss = logits.square().mean();
  if (distilled.defined()) loss = loss + distilled.square().mean();
  loss.backward();
  for (const auto& p : model->named_parameters()) {
    ASSERT_TRUE(p.value().grad().defined()) << p.key();
    EXPECT_TRUE(p.value().grad().isfinite().all().item<bool>()) << p.key();
  }
}

// Output and gradients, in float64: what is left is not rounding.
TEST_P(Contract, ACudaDeviceGivesTheSame) {
  if (!torch::cuda::is_available()) GTEST_SKIP() << "no CUDA device";
  const auto images = torch::randn({4, 3, kSide, kSide}, torch::kDouble);
  const auto on_cpu = make(), on_cuda = make();
  on_cpu->to(torch::kDouble);
  on_cuda->to(torch::kCUDA, torch::kDouble);
  for (const auto& [model, x] : {std::pair(on_cpu, images), std::pair(on_cuda, images.cuda())}) {
    model->eval();
    model->forward(x).square().mean().backward();
  }
  const auto expect_close = [](const std::string& what, const torch::Tensor& a,
                               const torch::Tensor& b) {
    EXPECT_LE((a - b.cpu()).abs().max().item<double>(), 1e-8 * a.abs().max().item<double>() + 1e-12)
        << what;
  };
  const torch::NoGradGuard no_grad;
  expect_close("output", on_cpu->forward(images), on_cuda->forward(images.cuda()));
  const auto copies = on_cuda->named_parameters();
  for (const auto& p : on_cpu->named_parameters())
    expect_close(p.key(), p.value().grad(), copies[p.key()].grad());
}

TEST_P(Contract, ABatchIsItsImages) {
  const torch::InferenceMode no_grad;
  const auto model = make();
  model->eval();
  const auto images = torch::randn({3, 3, kSide, kSide});
  const auto together = model->forward(images);
  for (int64_t i = 0; i < 3; ++i)
    EXPECT_TRUE(
        model->forward(images.narrow(0, i, 1)).allclose(together.narrow(0, i, 1), 1e-4, 1e-5));
  EXPECT_TRUE(model->forward_head(model->forward_features(images)).allclose(together, 1e-5, 1e-6));
}

TEST_P(Contract, WeightsConvertedOnceGiveWhatAutocastGives) {
  const auto model = make();
  const auto images = torch::randn({2, 3, kSide, kSide});
  const runtime::EvalScope scope(*model, "bfloat16");
  const auto expected = model->forward(images);
  keep_product_weights(*model, torch::kBFloat16);
  EXPECT_TRUE(model->forward(images).equal(expected));
}

TEST_P(Contract, SavesAndLoadsEqual) {
  const torch::InferenceMode no_grad;
  const auto folder = fs::temp_directory_path() /
                      ("braid_contract_" + GetParam() + "_" + std::to_string(::getpid()));
  const auto model = make();
  model->eval();
  ImageHubConfig hub;
  hub.architecture = GetParam();
  hub.model_args = model->config();
  hub.input.height = hub.input.width = kSide;
  hub.classes = {"a", "b", "c", "d", "e", "f", "g"};
  save_model(*model, hub, folder);
  const auto loaded = load_model(folder);
  fs::remove_all(folder);
  const auto images = torch::randn({2, 3, kSide, kSide});
  EXPECT_TRUE(loaded.model->forward(images).equal(model->forward(images)));
  EXPECT_EQ(loaded.hub.classes, hub.classes);
  EXPECT_EQ(loaded.model->config(), model->config());
  EXPECT_FALSE(loaded.model->is_training());
}

TEST_P(Contract, TheSameSeedGivesTheSameWeightsAndDisturbsNothing) {
  torch::manual_seed(3);
  const auto expected = torch::rand({4});
  torch::manual_seed(3);
  const auto a = runtime::named_state(*make()), b = runtime::named_state(*make());
  EXPECT_TRUE(torch::rand({4}).equal(expected)) << "the global generator was moved";
  for (const auto& [name, tensor] : a) EXPECT_TRUE(tensor.equal(b.at(name))) << name;
}

TEST_P(Contract, ResetsItsClassifier) {
  const torch::InferenceMode no_grad;
  const auto model = make();
  model->eval();
  model->reset_classifier(3);
  const auto images = torch::randn({1, 3, kSide, kSide});
  EXPECT_EQ(model->forward(images).size(1), 3);
  EXPECT_EQ(model->config().at("num_classes"), 3);
  EXPECT_EQ(model->num_classes(), 3);
  EXPECT_EQ(model->in_chans(), 3);
  EXPECT_EQ(model->img_size(), kSide);
  const auto state = runtime::named_state(*model);
  for (const auto& module : model->head_modules())
    EXPECT_EQ(state.at(module + ".weight").size(0), 3) << module;
  model->reset_classifier(0);
  const auto pooled = model->forward_head(model->forward_features(images), /*pre_logits=*/true);
  EXPECT_TRUE(model->forward(images).allclose(pooled, 1e-5, 1e-6));
}

TEST_P(Contract, ConfigGoesRoundAndRefusesUnknownKeys) {
  const auto model = make();
  EXPECT_EQ(find_model(GetParam()).make(model->config())->config(), model->config());
  EXPECT_THROW(create_model<ImageModel>(GetParam(), {{"img_sise", 32}}), ConfigError);
  EXPECT_THROW(create_model<ImageModel>(GetParam(), {{"img_size", 0}}), ConfigError);
  EXPECT_THROW(create_model<ImageModel>(GetParam(), {{"in_chans", -1}}), ConfigError);
  EXPECT_THROW(create_model<ImageModel>(GetParam(), {{"num_classes", -1}}), ConfigError);
}

TEST_P(Contract, ReparameterizedItComputesTheSame) {
  const torch::NoGradGuard no_grad;
  const auto model = make();
  model->train();
  model->forward(torch::randn({4, 3, kSide, kSide}));  // gives norms statistics of their own
  model->eval();
  const auto images = torch::randn({2, 3, kSide, kSide});
  const auto expected = model->forward(images);
  model->reparameterize();
  EXPECT_TRUE(model->forward(images).allclose(expected, 1e-4, 1e-5));
  const auto state = runtime::named_state(*model);
  const auto rebuilt = runtime::named_state(*find_model(GetParam()).make(model->config()));
  EXPECT_EQ(rebuilt.size(), state.size());
  for (const auto& [name, tensor] : rebuilt) EXPECT_TRUE(state.contains(name)) << name;
}

TEST_P(Contract, DescribesFeaturesAndLayers) {
  const auto model = make();
  model->eval();
  const auto info = model->feature_info();
  ASSERT_FALSE(info.empty());
  const auto features = model->forward_features(torch::randn({1, 3, kSide, kSide}));
  const bool tokens = features.dim() == 3;
  EXPECT_EQ(features.size(tokens ? 2 : 1), model->num_features());
  const int64_t reduction = info.back().reduction;
  if (!tokens) {
    // The airbench stem pads nothing, which costs a pixel, and its pooling rounds down.
    const bool unpadded = GetParam().starts_with("airbench") && reduction == 8;
    const int64_t side = unpadded ? (kSide - 1) / reduction : (kSide + reduction - 1) / reduction;
    const bool enlarges = GetParam().starts_with("mobilevitv2");  // to whole patches of 2 x 2
    EXPECT_EQ(features.size(2), enlarges ? side + side % 2 : side);
  }
  const auto modules = model->named_modules(/*name_prefix=*/"", /*include_self=*/false);
  for (const auto& stage : info) EXPECT_TRUE(modules.contains(stage.module)) << stage.module;
  for (const auto& p : model->named_parameters()) {
    EXPECT_GE(model->layer_id(p.key()), 0) << p.key();
    EXPECT_LT(model->layer_id(p.key()), model->layer_count()) << p.key();
  }
  const auto parameters = model->named_parameters();
  for (const auto& name : model->no_weight_decay())
    EXPECT_NE(parameters.find(name), nullptr) << name;
}

INSTANTIATE_TEST_SUITE_P(Registry, Contract, ::testing::ValuesIn(names()),
                         [](const auto& info) { return info.param; });

TEST(RegistryTest, UnknownNamesListNearOnes) {
  try {
    find_model("resnet81");
    FAIL() << "no error";
  } catch (const UsageError& e) {
    EXPECT_THAT(e.what(), ::testing::HasSubstr("resnet18"));
  }
}

}  // namespace
}  // namespace braid::models
