// What EfficientFormer and EfficientFormerV2 have in common: a classifier and one for distillation
// on the pooled features, and tables of attention biases that follow the image's size.
#pragma once
#include "braid/models/vision/image_model.h"

namespace braid::models {

// Keys: head, head_dist; stem.*, stages.I.*, norm.* are the models' own.
class EfficientFormerBase : public ImageModel {
 public:
  // features: tokens [B,N,D] or a map [B,D,h,w]. The mean of both classifiers.
  torch::Tensor forward_head(const torch::Tensor& features, bool pre_logits) override;
  std::pair<torch::Tensor, torch::Tensor> forward_distilled(const torch::Tensor& x) override;
  std::vector<FeatureInfo> feature_info() const override { return info_; }
  std::vector<std::string> head_modules() const override { return {"head", "head_dist"}; }
  std::vector<std::string> no_weight_decay() const override;
  int64_t layer_id(const std::string& parameter) const override;
  int64_t layer_count() const override { return static_cast<int64_t>(info_.size()) + 2; }
  torch::Tensor resample_weight(const std::string& name,
                                const torch::Tensor& loaded) const override;

  torch::nn::Linear head{nullptr}, head_dist{nullptr};

 protected:
  void replace_head(int64_t num_classes) override;
  // Last in construction. info: one entry per stage.
  void finish(const std::vector<FeatureInfo>& info, int64_t num_classes, double drop_rate);

 private:
  torch::Tensor pool(const torch::Tensor& features);  // -> [B,D], after dropout

  std::vector<FeatureInfo> info_;
  double drop_rate_ = 0;
};

}  // namespace braid::models
