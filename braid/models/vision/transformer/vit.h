// ViT and DeiT, the Vision Transformer, its distilled form and DeiT III.
//
// Papers: Dosovitskiy et al., https://arxiv.org/abs/2010.11929; Touvron et al.,
// https://arxiv.org/abs/2012.12877 and https://arxiv.org/abs/2204.07118
// Reference: timm's vision_transformer.py and deit.py (Apache-2.0); same keys and shapes.
// Differences: images that the patch does not divide are padded (timm's dynamic_img_pad, always
// on).
#pragma once
#include "braid/models/registry.h"
#include "braid/models/vision/vision_transformer.h"

namespace braid::models {

struct ViTConfig {
  int64_t num_classes = 1000;
  int64_t in_chans = 3;
  int64_t img_size = 224;  // pixels
  int64_t patch_size = 16;
  int64_t embed_dim = 192;
  int64_t depth = 12;
  int64_t num_heads = 3;
  double mlp_ratio = 4.0;
  double init_values = 0;       // where the layer scales start, 0: no layer scales
  bool class_token = true;      // without one the tokens' mean is classified
  bool no_embed_class = false;  // positions of the grid alone
  bool distilled = false;       // a distillation token and a head of its own
  double drop_rate = 0;
  double proj_drop_rate = 0;
  double attn_drop_rate = 0;
  double drop_path_rate = 0;
  void visit(FieldVisitor& v);
};

// Keys: proj.
class ViTPatchEmbedImpl : public torch::nn::Module {
 public:
  explicit ViTPatchEmbedImpl(const ViTConfig& config);
  torch::Tensor forward(const torch::Tensor& x);  // [B,C,H,W] -> [B,N,D]

  torch::nn::Conv2d proj{nullptr};

 private:
  // The same as a matrix product over patches: its gradient is several times faster on a CPU.
  torch::Tensor project_patches(const torch::Tensor& x);
  int64_t patch_size_;
};
TORCH_MODULE(ViTPatchEmbed);

class ViT : public ModelOf<ViTConfig, VisionTransformer> {
 public:
  explicit ViT(const ViTConfig& config);

  ViTPatchEmbed patch_embed{nullptr};

 protected:
  torch::Tensor embed(const torch::Tensor& x) override { return patch_embed->forward(x); }
};

void add_vit(Registry& table);

}  // namespace braid::models
