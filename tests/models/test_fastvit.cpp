#include "braid/models/vision/hybrid/fastvit.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "braid/core/error.h"
#include "braid/io/safetensors.h"
#include "braid/models/registry.h"
#include "braid/models/vision/image_checkpoint.h"
#include "braid/models/weights.h"
#include "braid/runtime/tensor_file.h"
#include "braid/torch.h"

namespace braid::models {
namespace {

namespace fs = std::filesystem;

struct Trained {
  ImageModelPtr model;
  torch::Tensor input;
};

// A tiny model with its random weights and norm statistics, in eval mode.
Trained trained(const std::string& name) {
  const std::string file =
      std::string(BRAID_TEST_SOURCE_DIR) + "/models/fixtures/parity_" + name + ".safetensors";
  const auto [tensors, metadata] = runtime::load_tensor_file(file);
  auto model = create_model<ImageModel>(name, Json::parse(metadata.at("kwargs")));
  runtime::TensorMap weights;
  for (const auto& [key, tensor] : tensors)
    if (key.starts_with("weights/")) weights[key.substr(8)] = tensor;
  load_tensors_into(*model, weights, file);
  model->eval();
  return {model, tensors.at("input").to(torch::kFloat)};
}

class FastViTFusion : public ::testing::TestWithParam<std::string> {};

TEST_P(FastViTFusion, LeavesTheOutputAsItWas) {
  const torch::NoGradGuard no_grad;
  auto [model, x] = trained(GetParam());
  const auto parameters = model->parameters().size();
  const auto expected = model->forward(x);
  model->reparameterize();
  EXPECT_LT(model->parameters().size(), parameters);
  const auto error = (model->forward(x) - expected).abs().max() / expected.abs().max();
  EXPECT_LT(error.item<double>(), 1e-5);
}

TEST_P(FastViTFusion, IsSavedAndLoadedAsSuch) {
  const torch::NoGradGuard no_grad;
  auto [model, x] = trained(GetParam());
  model->reparameterize();
  EXPECT_EQ(model->config().at("inference_mode"), true);
  ImageHubConfig hub;
  hub.architecture = GetParam();
  hub.input.channels = x.size(1);
  hub.input.mean = hub.input.std = {0.5, 0.5};
  hub.classes = {"a", "b", "c", "d", "e"};
  const auto folder =
      fs::temp_directory_path() / ("braid_fused_" + GetParam() + "_" + std::to_string(::getpid()));
  save_model(*model, hub, folder);
  const auto args = read_json(folder / "config.json").at("model_args");
  const auto loaded = load_model(folder);
  fs::remove_all(folder);
  EXPECT_TRUE(loaded.model->forward(x).equal(model->forward(x)));
  EXPECT_EQ(args.at("inference_mode"), true) << "timm builds the fused form by this argument";
}

INSTANTIATE_TEST_SUITE_P(Tiny, FastViTFusion, ::testing::Values("fastvit_t8", "fastvit_sa12"),
                         [](const auto& info) { return info.param; });

TEST(FastViT, FusesInEvalModeOnly) {
  auto model = trained("fastvit_t8").model;
  model->train();
  EXPECT_THROW(model->reparameterize(), UsageError);
  EXPECT_EQ(model->config().at("inference_mode"), false);
}

TEST(FastViT, RefusesContradictoryConfigs) {
  const auto refuses = [](const Json& fields) {
    EXPECT_THROW(create_model<ImageModel>("fastvit_sa12", fields), ConfigError) << fields.dump();
  };
  refuses({{"depths", {1, 1, 1}}});
  refuses({{"embed_dims", {64, 128, 256, 528}}});
  refuses({{"embed_dims", {64, 96, 192, 384}}});
  refuses({{"token_mixers", {"repmixer", "repmixer", "repmixer", "pool"}}});
  refuses({{"pos_embs", {0, 0, 0, 4}}});
  refuses({{"down_patch_size", 1}});
  refuses({{"repmixer_kernel_size", 2}});
  refuses({{"cls_ratio", 1.5}});
}

TEST(FastViT, NumbersItsLayersFromStemToHead) {
  const auto model = create_model<ImageModel>("fastvit_t8", {{"depths", {1, 1, 1, 1}}});
  EXPECT_EQ(model->layer_id("stem.0.conv_scale.conv.weight"), 0);
  EXPECT_EQ(model->layer_id("stages.1.downsample.proj.0.large_conv.conv.weight"), 2);
  EXPECT_EQ(model->layer_id("stages.3.blocks.0.mlp.fc1.weight"), 4);
  EXPECT_EQ(model->layer_id("final_conv.se.fc1.weight"), 5);
  EXPECT_EQ(model->layer_count(), 6);
}

}  // namespace
}  // namespace braid::models
