// The hybrid ViT: a ResNet, then a Transformer on the pixels of its last feature map.
//
// Papers: Dosovitskiy et al., https://arxiv.org/abs/2010.11929; Steiner et al.,
// https://arxiv.org/abs/2106.10270
// Reference: timm's vision_transformer_hybrid.py (Apache-2.0); same keys and shapes.
// Differences: none in the computation; feature_info names the ResNet's full reduction for every
// image size, where timm divides the sizes of image and grid.
#pragma once
#include "braid/models/registry.h"
#include "braid/models/vision/cnn/resnetv2.h"
#include "braid/models/vision/vision_transformer.h"
#include "braid/nn/basic/pointwise.h"

namespace braid::models {

struct ViTHybridConfig {
  int64_t num_classes = 1000;
  int64_t in_chans = 3;
  int64_t img_size = 224;                                  // pixels
  std::vector<int64_t> layers = {3, 4, 9};                 // the ResNet's blocks per stage
  std::vector<int64_t> channels = {256, 512, 1024, 2048};  // the ResNet's, at least one per stage
  int64_t stem_chs = 64;                                   // channels of the ResNet's stem
  int64_t embed_dim = 768;
  int64_t depth = 12;
  int64_t num_heads = 12;
  double mlp_ratio = 4.0;
  double drop_rate = 0;
  double proj_drop_rate = 0;
  double attn_drop_rate = 0;
  double drop_path_rate = 0;
  void visit(FieldVisitor& v);
};

// Keys: patch_embed.backbone.*, patch_embed.proj, and those of VisionTransformer.
class ViTHybrid : public ModelOf<ViTHybridConfig, VisionTransformer> {
 public:
  explicit ViTHybrid(const ViTHybridConfig& config);

 protected:
  torch::Tensor embed(const torch::Tensor& x) override;

 private:
  ResNetV2 backbone_{nullptr};
  nn::Pointwise proj_{nullptr};
};

void add_vit_hybrid(Registry& table);

}  // namespace braid::models
