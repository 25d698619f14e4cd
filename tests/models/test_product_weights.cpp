// Weights that are converted once, against autocast's conversions.
#include "braid/models/product_weights.h"

#include <gtest/gtest.h>

#include "braid/models/registry.h"
#include "braid/models/vision/image_model.h"
#include "braid/runtime/eval_scope.h"

namespace braid::models {
namespace {

TEST(KeepProductWeights, ChangesNoBitOfWhatAutocastGives) {
  for (const char* name : {"resnet18", "mobilevit_xxs", "vit_nano_patch7_gap_28"}) {
    torch::manual_seed(2);
    const auto model = create_model<ImageModel>(name, {{"num_classes", 5}});
    const auto x = torch::randn({2, model->in_chans(), 28, 28});
    const runtime::EvalScope scope(*model, "bfloat16");
    const auto expected = model->forward(x);
    keep_product_weights(*model, torch::kBFloat16);
    EXPECT_TRUE(torch::equal(model->forward(x), expected)) << name;
    int64_t converted = 0;
    for (const auto& parameter : model->parameters())
      converted += parameter.scalar_type() == torch::kBFloat16;
    EXPECT_GT(converted, 4) << name;
  }
}

TEST(KeepProductWeights, LeavesWhatAnEmbeddingShares) {
  torch::nn::Sequential model(torch::nn::Embedding(7, 4), torch::nn::Linear(4, 7),
                              torch::nn::LayerNorm(torch::nn::LayerNormOptions({7})));
  auto* embedding = model->children()[0]->as<torch::nn::EmbeddingImpl>();
  auto* linear = model->children()[1]->as<torch::nn::LinearImpl>();
  linear->weight = embedding->weight;
  keep_product_weights(*model, torch::kBFloat16);
  for (const auto& parameter : model->parameters())
    EXPECT_EQ(parameter.scalar_type(), torch::kFloat);
  EXPECT_EQ(linear->weight.scalar_type(), torch::kFloat);
}

TEST(KeepProductWeights, HasNothingToDoInFloat32) {
  torch::nn::Linear layer(3, 2);
  const auto before = layer->weight.data_ptr();
  keep_product_weights(*layer, torch::kFloat);
  EXPECT_EQ(layer->weight.data_ptr(), before);
  EXPECT_EQ(layer->weight.scalar_type(), torch::kFloat);
}

}  // namespace
}  // namespace braid::models
