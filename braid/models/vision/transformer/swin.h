// Swin: attention in windows that shift from block to block, on maps that halve from stage to
// stage.
//
// Paper: Liu et al., https://arxiv.org/abs/2103.14030
// Reference: timm's swin_transformer.py (Apache-2.0); same keys and shapes.
// Differences: feature maps are [B,C,H,W], timm's [B,H,W,C]; drop_path_rate is 0 by default, not
// 0.1.
#pragma once
#include "braid/models/registry.h"
#include "braid/models/vision/image_model.h"
#include "braid/models/vision/transformer/swin_block.h"
#include "braid/nn/basic/block_list.h"
#include "braid/nn/head/classifier_head.h"

namespace braid::models {

struct SwinConfig {
  int64_t num_classes = 1000;
  int64_t in_chans = 3;
  int64_t img_size = 224;  // pixels; what patch_size leaves over is cut off
  int64_t patch_size = 4;
  int64_t embed_dim = 96;                           // channels of the first stage
  std::vector<int64_t> depths = {2, 2, 6, 2};       // blocks per stage
  std::vector<int64_t> num_heads = {3, 6, 12, 24};  // per stage
  int64_t window_size = 7;                          // positions along one side of a window
  double mlp_ratio = 4.0;
  bool qkv_bias = true;
  double drop_rate = 0;
  double proj_drop_rate = 0;
  double attn_drop_rate = 0;
  double drop_path_rate = 0;
  void visit(FieldVisitor& v);
};

// Halves the map: [B,C,H,W] -> [B,2C,H/2,W/2], rounded up with zeros. Keys: norm, reduction.
class SwinPatchMergingImpl : public torch::nn::Module {
 public:
  explicit SwinPatchMergingImpl(int64_t dim);
  torch::Tensor forward(const torch::Tensor& x);

  torch::nn::LayerNorm norm{nullptr};
  torch::nn::Linear reduction{nullptr};
};
TORCH_MODULE(SwinPatchMerging);

class Swin : public ModelOf<SwinConfig> {
 public:
  explicit Swin(const SwinConfig& config);
  // x must have img_size pixels a side. [B,C,H,W] -> [B,D,h,w]
  torch::Tensor forward_features(const torch::Tensor& x) override;
  torch::Tensor forward_head(const torch::Tensor& features, bool pre_logits) override;
  std::vector<FeatureInfo> feature_info() const override;
  std::vector<std::string> head_modules() const override { return {"head.fc"}; }
  std::vector<std::string> no_weight_decay() const override;
  int64_t layer_id(const std::string& parameter) const override;
  int64_t layer_count() const override { return static_cast<int64_t>(config_.depths.size()) + 2; }
  torch::Tensor resample_weight(const std::string& name,
                                const torch::Tensor& loaded) const override;

  struct Stage {
    SwinPatchMerging downsample{nullptr};  // none in the first stage
    nn::BlockList blocks;
  };
  torch::nn::Conv2d proj{nullptr};
  torch::nn::LayerNorm patch_norm{nullptr}, norm{nullptr};
  std::vector<Stage> stages;
  nn::ClassifierHead head{nullptr};

 private:
  void replace_head(int64_t num_classes) override;
};

void add_swin(Registry& table);

}  // namespace braid::models
