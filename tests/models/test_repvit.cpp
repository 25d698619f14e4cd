// RepViT's folded form against its training form.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "braid/core/error.h"
#include "braid/models/registry.h"
#include "braid/models/vision/image_model.h"
#include "braid/runtime/tensor_file.h"

namespace braid::models {
namespace {

// A small model in float64 whose norms are far from the identity.
ImageModelPtr randomized(bool legacy, bool distillation) {
  auto model = create_model<ImageModel>("repvit_m1", {{"num_classes", 5},
                                                      {"embed_dim", {8, 16}},
                                                      {"depths", {2, 2}},
                                                      {"legacy", legacy},
                                                      {"distillation", distillation}});
  model->to(torch::kDouble);
  const torch::NoGradGuard no_grad;
  torch::manual_seed(1);
  for (auto& [name, tensor] : runtime::named_state(*model)) {
    if (name.ends_with("running_var")) tensor.uniform_(0.5, 2.0);
    if (name.ends_with("running_mean")) tensor.normal_(0.0, 0.3);
    if (tensor.dim() == 1 && name.ends_with(".weight")) tensor.uniform_(0.5, 1.5);
    if (name.ends_with(".bias")) tensor.normal_(0.0, 0.3);
  }
  return model;
}

TEST(RepViT, FoldedIsTheSameFunction) {
  const torch::NoGradGuard no_grad;
  for (const bool legacy : {true, false})
    for (const bool distillation : {true, false}) {
      const auto model = randomized(legacy, distillation);
      model->eval();
      const auto x = torch::randn({2, 3, 37, 37}, torch::kDouble);
      const auto before = model->forward(x);
      model->reparameterize();
      const auto after = model->forward(x);
      EXPECT_LT(((before - after).abs().max() / before.abs().max()).item<double>(), 1e-12);
      model->reparameterize();
      EXPECT_TRUE(model->forward(x).equal(after)) << "a second call changed something";
    }
}

TEST(RepViT, FoldedHasTheKeysOfTimmsFusedModel) {
  const auto model = randomized(/*legacy=*/true, /*distillation=*/true);
  model->eval();
  model->reparameterize();
  std::vector<std::string> block;
  for (const auto& [name, tensor] : runtime::named_state(*model)) {
    EXPECT_THAT(name, ::testing::Not(::testing::HasSubstr("bn"))) << name;
    if (name.starts_with("stages.1.blocks.1.")) block.push_back(name.substr(18));
  }
  EXPECT_THAT(block, ::testing::UnorderedElementsAre(
                         "token_mixer.weight", "token_mixer.bias", "channel_mixer.conv1.weight",
                         "channel_mixer.conv1.bias", "channel_mixer.conv2.weight",
                         "channel_mixer.conv2.bias"));
  EXPECT_EQ(model->head_modules(), std::vector<std::string>{"head"});
  // The config rebuilds the folded form, with the same shapes.
  const auto again = create_model<ImageModel>("repvit_m1", model->config());
  const auto ours = runtime::named_state(*model);
  const auto theirs = runtime::named_state(*again);
  ASSERT_EQ(ours.size(), theirs.size());
  for (const auto& [name, tensor] : theirs)
    EXPECT_EQ(tensor.sizes(), ours.at(name).sizes()) << name;
}

TEST(RepViT, FoldsInEvalModeOnly) {
  EXPECT_THROW(randomized(true, true)->reparameterize(), UsageError);
}

}  // namespace
}  // namespace braid::models
