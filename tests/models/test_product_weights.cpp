// Which weights are converted; the contracts hold what is computed with them.
#include "braid/models/product_weights.h"

#include <gtest/gtest.h>

#include "braid/models/registry.h"
#include "braid/models/vision/image_model.h"

namespace braid::models {
namespace {

TEST(KeepProductWeights, ConvertsProductsAndConvolutionsAlone) {
  const auto model = create_model<ImageModel>("airvit_nano", {{"num_classes", 5}});
  keep_product_weights(*model, torch::kBFloat16);
  for (const auto& parameter : model->named_parameters())
    EXPECT_EQ(parameter.value().scalar_type(),
              parameter.value().dim() > 1 && parameter.key().ends_with("weight") ? torch::kBFloat16
                                                                                 : torch::kFloat)
        << parameter.key();
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

TEST(KeepInt8Weights, RoundsProductsAndTheTableOfWords) {
  torch::nn::Sequential model(torch::nn::Embedding(7, 4), torch::nn::Embedding(9, 4),
                              torch::nn::Linear(4, 7),
                              torch::nn::LayerNorm(torch::nn::LayerNormOptions({7})));
  const auto kept = keep_int8_weights(*model, 7);
  const auto children = model->children();
  EXPECT_EQ(kept.size(), 2U);
  EXPECT_NE(kept.find(children[0]->as<torch::nn::EmbeddingImpl>()->weight), nullptr);
  EXPECT_EQ(kept.find(children[1]->as<torch::nn::EmbeddingImpl>()->weight), nullptr) << "positions";
  EXPECT_NE(kept.find(children[2]->as<torch::nn::LinearImpl>()->weight), nullptr);
}

}  // namespace
}  // namespace braid::models
