// What CoAtNet and MaxViT have in common (timm's MaxxVit): a stem of two convolutions, stages of
// blocks that halve the map, a classifier. Keys: stem, stages.I.blocks.J, (norm), head.
#pragma once
#include <functional>

#include "braid/models/vision/hybrid/maxxvit_stem.h"
#include "braid/models/vision/image_model.h"
#include "braid/nn/basic/block_list.h"
#include "braid/nn/head/classifier_head.h"

namespace braid::models {

struct MaxxVitLayout {
  std::string model;  // its name in errors
  int64_t num_classes = 1000;
  int64_t img_size = 224;
  ConvStemConfig stem;
  std::vector<int64_t> embed_dim, depths;  // channels and blocks per stage
  double norm_eps = 1e-6;                  // of the layer norm before the classifier
  int64_t head_hidden_size = 0;            // of a layer between pooling and classifier, 0: none
  double drop_rate = 0;
  double drop_path_rate = 0;
};

// Where a block stands.
struct MaxxVitPlace {
  size_t stage = 0;
  int64_t in = 0, out = 0;  // channels
  int64_t stride = 1;
  int64_t feat_size = 0;  // pixels along one side of the output
  double drop_path = 0;
};

class MaxxVit : public ImageModel {
 public:
  // x must have img_size pixels a side. [B,C,H,W] -> [B,D,h,w]
  torch::Tensor forward_features(const torch::Tensor& x) override;
  torch::Tensor forward_head(const torch::Tensor& features, bool pre_logits) override;
  std::vector<FeatureInfo> feature_info() const override;
  std::vector<std::string> head_modules() const override { return {"head.fc"}; }
  std::vector<std::string> no_weight_decay() const override;
  int64_t layer_id(const std::string& parameter) const override;
  int64_t layer_count() const override { return static_cast<int64_t>(layout_.depths.size()) + 2; }
  torch::Tensor resample_weight(const std::string& name,
                                const torch::Tensor& loaded) const override;

 protected:
  void replace_head(int64_t num_classes) override;
  using MakeBlock = std::function<std::shared_ptr<nn::BlockImpl>(const MaxxVitPlace&)>;
  static void validate(const MaxxVitLayout& layout);
  void build(const MaxxVitLayout& layout, const MakeBlock& make_block);  // a validated layout

 private:
  MaxxVitLayout layout_;
  ConvStem stem_{nullptr};
  std::vector<nn::BlockList> stages_;
  torch::nn::LayerNorm norm_{nullptr};
  nn::ClassifierHead head_{nullptr};
};

}  // namespace braid::models
