// What ViT-Lite and CCT have in common: a tokenizer, then the compact encoder.
#pragma once
#include <string>

#include "braid/models/vision/compact_transformer.h"
#include "braid/models/vision/image_model.h"

namespace braid::models {

// Keys: tokenizer.*, classifier.* (the encoder carries that name in the reference).
class CompactModel : public ImageModel {
 public:
  torch::Tensor forward_features(const torch::Tensor& x) override;  // [B,C,H,W] -> [B,N,D]
  torch::Tensor forward_head(const torch::Tensor& features, bool pre_logits) override;
  std::vector<FeatureInfo> feature_info() const override;
  std::vector<std::string> head_modules() const override { return {"classifier.fc"}; }
  std::string global_pool() const override { return ""; }  // a class token or sequence pooling
  std::vector<std::string> no_weight_decay() const override;
  int64_t layer_id(const std::string& parameter) const override;
  int64_t layer_count() const override { return depth_ + 2; }
  torch::Tensor resample_weight(const std::string& name,
                                const torch::Tensor& loaded) const override;

  CompactTokenizer tokenizer{nullptr};
  CompactTransformer classifier_{nullptr};

 protected:
  void replace_head(int64_t num_classes) override;
  // patch: 0, or the multiple of pixels that images are padded to. reduction: input pixels per
  // token along a side.
  void build(const CompactTokenizerConfig& tokens, CompactTransformerConfig encoder,
             int64_t img_size, int64_t patch, int64_t reduction);

 private:
  int64_t depth_ = 0, patch_ = 0, reduction_ = 0, embed_dim_ = 0;
};

}  // namespace braid::models
