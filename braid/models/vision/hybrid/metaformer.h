// CAFormer of the MetaFormer family: stages of separable convolutions, then stages of attention.
//
// Paper: Yu et al., https://arxiv.org/abs/2210.13452
// Reference: timm's metaformer.py (Apache-2.0); same keys and shapes.
// Differences: of the token mixers only separable convolution and attention; checkpoints in the
// authors' older names (PoolFormer's) are not renamed.
#pragma once
#include "braid/models/registry.h"
#include "braid/models/vision/hybrid/metaformer_block.h"
#include "braid/models/vision/image_model.h"
#include "braid/nn/basic/block_list.h"

namespace braid::models {

struct MetaFormerConfig {
  static constexpr bool kFixedInputSize = false;  // timm's takes no img_size
  int64_t num_classes = 1000;
  int64_t in_chans = 3;
  int64_t img_size = 224;                           // pixels; the weights do not depend on it
  std::vector<int64_t> depths = {3, 3, 9, 3};       // blocks per stage
  std::vector<int64_t> dims = {64, 128, 320, 512};  // channels per stage
  std::vector<std::string> token_mixers = {"sep_conv", "sep_conv", "attention", "attention"};
  std::vector<double> res_scale_init_values = {0, 0, 1, 1};  // of the shortcuts, 0: none
  int64_t head_dim = 32;                                     // channels per attention head
  double drop_rate = 0;
  double proj_drop_rate = 0;
  double drop_path_rate = 0;
  void visit(FieldVisitor& v);
};

class MetaFormer : public ModelOf<MetaFormerConfig> {
 public:
  explicit MetaFormer(const MetaFormerConfig& config);
  torch::Tensor forward_features(const torch::Tensor& x) override;  // [B,C,H,W] -> [B,D,h,w]
  torch::Tensor forward_head(const torch::Tensor& features, bool pre_logits) override;
  std::vector<FeatureInfo> feature_info() const override;
  std::vector<std::string> head_modules() const override { return {"head.fc.fc2"}; }
  int64_t layer_id(const std::string& parameter) const override;
  int64_t layer_count() const override { return static_cast<int64_t>(config_.depths.size()) + 2; }

  // A layer norm before or after a strided convolution. Keys: norm, conv.
  struct Reduction {
    nn::LayerNormNoBias norm{nullptr};
    torch::nn::Conv2d conv{nullptr};
  };
  struct Stage {
    Reduction downsample;  // none where channels stay
    nn::BlockList blocks;
  };
  Reduction stem;
  std::vector<Stage> stages;
  torch::nn::LayerNorm norm{nullptr}, hidden_norm{nullptr};  // head.norm, head.fc.norm
  torch::nn::Linear fc1{nullptr}, fc2{nullptr};              // head.fc.fc1, head.fc.fc2

 private:
  void replace_head(int64_t num_classes) override;
  std::shared_ptr<torch::nn::Module> head_, fc_;
};

void add_metaformer(Registry& table);

}  // namespace braid::models
