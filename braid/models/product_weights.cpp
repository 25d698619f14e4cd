#include "braid/models/product_weights.h"

#include <set>

#include "braid/nn/basic/pointwise.h"

namespace braid::models {
namespace {

torch::Tensor* product_weight(torch::nn::Module& layer) {
  if (auto* linear = layer.as<torch::nn::LinearImpl>()) return &linear->weight;
  if (auto* pointwise = layer.as<nn::PointwiseImpl>()) return &pointwise->weight;
  if (auto* conv = layer.as<torch::nn::Conv1dImpl>()) return &conv->weight;
  if (auto* conv = layer.as<torch::nn::Conv2dImpl>()) return &conv->weight;
  return nullptr;
}

}  // namespace

void keep_product_weights(torch::nn::Module& model, at::ScalarType type) {
  if (type == torch::kFloat) return;
  std::set<const void*> looked_up;
  for (const auto& layer : model.modules())
    if (const auto* table = layer->as<torch::nn::EmbeddingImpl>())
      looked_up.insert(table->weight.unsafeGetTensorImpl());
  for (const auto& layer : model.modules()) {
    torch::Tensor* weight = product_weight(*layer);
    if (weight && weight->scalar_type() == torch::kFloat &&
        !looked_up.contains(weight->unsafeGetTensorImpl()))
      weight->set_data(weight->data().to(type));
  }
}

nn::Int8Weights keep_int8_weights(torch::nn::Module& model, int64_t words) {
  nn::Int8Weights kept;
  for (const auto& layer : model.modules()) {
    if (const auto* linear = layer->as<torch::nn::LinearImpl>()) kept.round(linear->weight);
    if (const auto* table = layer->as<torch::nn::EmbeddingImpl>();
        table && table->weight.size(0) == words)
      kept.round(table->weight);
  }
  return kept;
}

}  // namespace braid::models
