// Next-ViT: stages of convolution blocks that end in a block joining attention and convolution.
//
// Paper: Li et al., https://arxiv.org/abs/2207.05501
// Reference: timm's nextvit.py (Apache-2.0, after https://github.com/bytedance/Next-ViT,
// Apache-2.0); same keys and shapes. Differences: channels and places of the Transformer blocks are
// config fields; timm has them fixed, and leaves out the last blocks of a third stage whose depth
// is no multiple of five. Attention over fewer tokens than it pools, where timm fails, has one key.
#pragma once
#include "braid/models/registry.h"
#include "braid/models/vision/image_model.h"
#include "braid/nn/basic/block_list.h"
#include "braid/nn/head/classifier_head.h"

namespace braid::models {

struct NextViTConfig {
  static constexpr bool kFixedInputSize = false;  // timm's takes no img_size
  int64_t num_classes = 1000;
  int64_t in_chans = 3;
  int64_t img_size = 224;                        // pixels; the network itself takes any size
  std::vector<int64_t> stem_chs = {64, 32, 64};  // of the stem's convolutions, the last one twice
  std::vector<int64_t> depths = {3, 4, 10, 3};   // blocks per stage
  std::vector<int64_t> strides = {1, 2, 2, 2};
  std::vector<int64_t> sr_ratios = {8, 4, 2, 1};        // tokens along a side of an attention key
  std::vector<int64_t> conv_chs = {96, 192, 384, 768};  // of the convolution blocks
  std::vector<int64_t> transformer_chs = {0, 256, 512, 1024};  // of the Transformer blocks, 0: none
  // Every so many blocks, and at the stage's end, a Transformer block; 0: only at the end.
  std::vector<int64_t> transformer_period = {0, 0, 5, 0};
  int64_t head_dim = 32;          // channels per attention head or group
  double mix_block_ratio = 0.75;  // part of a Transformer block's channels made by attention
  double drop_rate = 0;
  double proj_drop_rate = 0;
  double attn_drop_rate = 0;
  double drop_path_rate = 0;
  void visit(FieldVisitor& v);
};

class NextViT : public ModelOf<NextViTConfig> {
 public:
  explicit NextViT(const NextViTConfig& config);
  torch::Tensor forward_features(const torch::Tensor& x) override;  // [B,C,H,W] -> [B,D,h,w]
  torch::Tensor forward_head(const torch::Tensor& features, bool pre_logits) override;
  std::vector<FeatureInfo> feature_info() const override;
  std::vector<std::string> head_modules() const override { return {"head.fc"}; }
  int64_t layer_id(const std::string& parameter) const override;
  int64_t layer_count() const override { return static_cast<int64_t>(config_.depths.size()) + 2; }

 private:
  void replace_head(int64_t num_classes) override;
  bool is_transformer(size_t stage, int64_t block) const;
  nn::BlockList stem_;
  std::vector<nn::BlockList> stages_;
  std::vector<FeatureInfo> features_;  // per stage
  torch::nn::BatchNorm2d norm_{nullptr};
  nn::ClassifierHead head_{nullptr};
};

void add_nextvit(Registry& table);

}  // namespace braid::models
