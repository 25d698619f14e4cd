#include "braid/models/vision/compact.h"

#include "braid/models/layer_ids.h"
#include "braid/models/validate.h"
#include "braid/nn/basic/pad.h"
#include "braid/nn/position/position.h"

namespace braid::models {

void CompactModel::build(const CompactTokenizerConfig& tokens, CompactTransformerConfig encoder,
                         int64_t img_size, int64_t patch, int64_t reduction) {
  depth_ = encoder.depth;
  patch_ = patch;
  reduction_ = reduction;
  embed_dim_ = encoder.embed_dim;
  tokenizer = register_module("tokenizer", CompactTokenizer(tokens));
  if (patch > 0) img_size = (img_size + patch - 1) / patch * patch;
  encoder.grid_size = tokenizer->grid_size(img_size);
  classifier_ = register_module("classifier", CompactTransformer(encoder));
}

torch::Tensor CompactModel::forward_features(const torch::Tensor& x) {
  const auto tokens =
      tokenizer->forward(patch_ > 0 ? nn::pad_to_multiple(x, patch_) : x);  // [B,N,D]
  expect_img_size(patch_ > 0 ? "vit_lite" : "cct", x, img_size(), tokens, classifier_->grid_size());
  return classifier_->encode(tokens, checkpointing());
}

torch::Tensor CompactModel::forward_head(const torch::Tensor& features, bool pre_logits) {
  const auto pooled = classifier_->pool(features);  // [B,D]
  return pre_logits || !classifier_->fc ? pooled : classifier_->fc->forward(pooled);
}

std::vector<FeatureInfo> CompactModel::feature_info() const {
  return {{"classifier.norm", embed_dim_, reduction_}};
}

void CompactModel::replace_head(int64_t num_classes) { classifier_->reset_classifier(num_classes); }

std::vector<std::string> CompactModel::no_weight_decay() const {
  std::vector<std::string> names;
  const auto parameters = named_parameters();
  for (const char* name : {"classifier.positional_emb", "classifier.class_emb"})
    if (parameters.contains(name)) names.push_back(name);  // sequence pooling has no class token
  return names;
}

int64_t CompactModel::layer_id(const std::string& parameter) const {
  if (parameter.starts_with("tokenizer.") || parameter == "classifier.positional_emb" ||
      parameter == "classifier.class_emb")
    return 0;
  return block_index(parameter, "classifier.blocks.", depth_) + 1;
}

torch::Tensor CompactModel::resample_weight(const std::string& name,
                                            const torch::Tensor& loaded) const {
  if (name != "classifier.positional_emb" || loaded.dim() != 3) return loaded;
  return nn::resample_position_embedding(loaded, classifier_->grid_size(),
                                         classifier_->prefix_tokens());
}

}  // namespace braid::models
