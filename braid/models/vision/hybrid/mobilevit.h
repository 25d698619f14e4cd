// MobileViT and MobileViTv2: inverted residuals, with attention blocks in the later stages.
//
// Papers: Mehta & Rastegari, https://arxiv.org/abs/2110.02178 and https://arxiv.org/abs/2206.02680
// Reference: timm's mobilevit.py and byobnet.py (Apache-2.0; the attention blocks adapted from
// https://github.com/apple/ml-cvnets, Apple's sample code licence); same keys and shapes.
// Differences: none. As in the reference, MobileViTv2 enlarges maps that its patches do not divide,
// so that its last map may have a row and a column more than the image's size over 32.
#pragma once
#include "braid/models/registry.h"
#include "braid/models/vision/image_model.h"
#include "braid/nn/basic/block_list.h"
#include "braid/nn/conv/conv_norm_act.h"
#include "braid/nn/head/classifier_head.h"

namespace braid::models {

struct MobileViTConfig {
  static constexpr bool kFixedInputSize = false;  // timm's takes no img_size
  int64_t num_classes = 1000;
  int64_t in_chans = 3;
  int64_t img_size = 256;                         // pixels; the network itself takes any size
  int64_t stem_chs = 16;                          // channels of the stem
  std::vector<int64_t> depths = {1, 3, 1, 1, 1};  // inverted residuals per stage
  std::vector<int64_t> embed_dims = {16, 24, 48, 64, 80};     // channels per stage
  double bottle_ratio = 2.0;                                  // of the inverted residuals
  std::vector<int64_t> transformer_depths = {0, 0, 2, 4, 3};  // layers of a stage's attention block
  std::vector<int64_t> transformer_dims = {0, 0, 64, 80, 96};  // channels of its tokens
  bool linear_attention = false;                               // MobileViTv2's attention blocks
  int64_t num_heads = 4;  // of MobileViT's attention; linear attention has no heads
  double mlp_ratio = 2.0;
  int64_t patch_size = 2;
  int64_t num_features = 320;  // channels of the last convolution, 0: no such convolution
  double drop_rate = 0;
  double proj_drop_rate = 0;
  double attn_drop_rate = 0;
  double drop_path_rate = 0;
  void visit(FieldVisitor& v);
};

class MobileViT : public ModelOf<MobileViTConfig> {
 public:
  explicit MobileViT(const MobileViTConfig& config);
  torch::Tensor forward_features(const torch::Tensor& x) override;  // [B,C,H,W] -> [B,D,h,w]
  torch::Tensor forward_head(const torch::Tensor& features, bool pre_logits) override;
  std::vector<FeatureInfo> feature_info() const override;
  std::vector<std::string> head_modules() const override { return {"head.fc"}; }
  int64_t layer_id(const std::string& parameter) const override;
  int64_t layer_count() const override { return static_cast<int64_t>(config_.depths.size()) + 2; }

 private:
  void replace_head(int64_t num_classes) override;
  // One stage; rates: stochastic depth of its blocks.
  nn::BlockList make_stage(size_t stage, int64_t in_chs, const std::vector<double>& rates);

  nn::ConvNormAct stem_{nullptr}, final_conv_{nullptr};
  std::vector<nn::BlockList> stages_;
  nn::ClassifierHead head_{nullptr};
};

void add_mobilevit(Registry& table);

}  // namespace braid::models
