// The compact hybrid: the convolution groups of the airbench network, then Transformer blocks on
// the few tokens that they leave.
//
// Sources: Jordan, https://arxiv.org/abs/2404.00498 (the groups); Dosovitskiy et al.,
// https://arxiv.org/abs/2010.11929 (the blocks, and the hybrid as such).
// Reference: none; keys and shapes are those that timm's VisionTransformer has with a HybridEmbed
// around the groups, without a class token.
#pragma once
#include "braid/models/registry.h"
#include "braid/models/vision/vision_transformer.h"
#include "braid/nn/block/conv_group.h"

namespace braid::models {

struct AirViTConfig {
  int64_t num_classes = 1000;
  int64_t in_chans = 3;
  int64_t img_size = 32;  // pixels
  int64_t stem_chs = 16;
  int64_t stem_stride = 1;
  std::vector<int64_t> widths = {32, 96};  // channels per convolution group
  int64_t depth = 1;                       // Transformer blocks, of the last width
  int64_t num_heads = 3;
  double mlp_ratio = 2.0;
  bool pool = true;  // the last map is pooled by two once more
  double drop_rate = 0;
  double proj_drop_rate = 0;
  double attn_drop_rate = 0;
  double drop_path_rate = 0;
  void visit(FieldVisitor& v);
};

// Keys: patch_embed.backbone.*, and those of VisionTransformer.
class AirViT : public ModelOf<AirViTConfig, VisionTransformer> {
 public:
  static constexpr bool kWhiteningStem = true;

  explicit AirViT(const AirViTConfig& config);
  void whiten_stem(const torch::Tensor& images) override { backbone_->whiten(images); }

 protected:
  torch::Tensor embed(const torch::Tensor& x) override;

 private:
  nn::ConvGroups backbone_{nullptr};
};

void add_airvit(Registry& table);

}  // namespace braid::models
