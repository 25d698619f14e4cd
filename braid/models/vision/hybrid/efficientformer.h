// EfficientFormer: stages of pooling blocks on maps, then attention over the tokens of the last
// one.
//
// Paper: Li et al., https://arxiv.org/abs/2206.01191
// Reference: timm's efficientformer.py (Apache-2.0, after
// https://github.com/snap-research/EfficientFormer); same keys and shapes. Differences: the
// reference fixes its table of attention biases to the 7 x 7 tokens of 193 to 224 pixels; here the
// table follows img_size, and a checkpoint's is resized.
#pragma once
#include "braid/models/registry.h"
#include "braid/models/vision/hybrid/efficientformer_base.h"
#include "braid/nn/basic/block_list.h"
#include "braid/nn/conv/conv_norm_act.h"

namespace braid::models {

struct EfficientFormerConfig {
  int64_t num_classes = 1000;
  int64_t in_chans = 3;
  int64_t img_size = 224;                                // pixels; fixes the attention biases
  std::vector<int64_t> depths = {3, 2, 6, 4};            // blocks per stage
  std::vector<int64_t> embed_dims = {48, 96, 224, 448};  // channels per stage
  int64_t num_vit = 1;  // attention blocks, the last of the last stage
  double mlp_ratios = 4.0;
  int64_t pool_size = 3;  // pixels along one side of the pooling blocks' window, odd
  double layer_scale_init_value = 1e-5;
  double drop_rate = 0;
  double proj_drop_rate = 0;
  double drop_path_rate = 0;
  void visit(FieldVisitor& v);
};

class EfficientFormer : public ModelOf<EfficientFormerConfig, EfficientFormerBase> {
 public:
  explicit EfficientFormer(const EfficientFormerConfig& config);
  // x must have img_size pixels a side. [B,C,H,W] -> tokens [B,N,D]
  torch::Tensor forward_features(const torch::Tensor& x) override;

 private:
  struct Stage {
    nn::ConvNormAct downsample{nullptr};  // none in the first stage
    nn::BlockList blocks;
  };
  torch::nn::Sequential stem_{nullptr};
  std::vector<Stage> stages_;
  torch::nn::LayerNorm norm_{nullptr};
};

void add_efficientformer(Registry& table);

}  // namespace braid::models
