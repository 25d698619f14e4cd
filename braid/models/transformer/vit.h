// ViT and DeiT, the Vision Transformer and its distilled form.
//
// Papers: Dosovitskiy et al., https://arxiv.org/abs/2010.11929; Touvron et al.,
// https://arxiv.org/abs/2012.12877 Reference: timm's vision_transformer.py and deit.py
// (Apache-2.0); same keys and shapes. Differences: images that the patch does not divide are padded
// (timm's dynamic_img_pad, always on).
#pragma once
#include "braid/models/model.h"
#include "braid/models/registry.h"

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
  bool distilled = false;  // a distillation token and a head of its own
  double drop_rate = 0;
  double proj_drop_rate = 0;
  double attn_drop_rate = 0;
  double drop_path_rate = 0;
  void visit(FieldVisitor& v);
};

class ViTPatchEmbedImpl : public torch::nn::Module {
 public:
  explicit ViTPatchEmbedImpl(const ViTConfig& config);
  torch::Tensor forward(const torch::Tensor& x);  // [B,C,H,W] -> [B,N,D]

  torch::nn::Conv2d proj{nullptr};

 private:
  int64_t patch_size_;
};
TORCH_MODULE(ViTPatchEmbed);

class ViT : public Model {
 public:
  explicit ViT(const ViTConfig& config);
  torch::Tensor forward_features(const torch::Tensor& x) override;  // [B,C,H,W] -> [B,N,D]
  torch::Tensor forward_head(const torch::Tensor& features, bool pre_logits) override;
  std::pair<torch::Tensor, torch::Tensor> forward_distilled(const torch::Tensor& x) override;
  std::vector<FeatureInfo> feature_info() const override;
  void reset_classifier(int64_t num_classes) override;
  Json config() const override { return to_json(config_); }
  std::vector<std::string> classifier() const override;
  std::vector<std::string> no_weight_decay() const override;
  int64_t layer_id(const std::string& parameter) const override;
  int64_t layer_count() const override { return config_.depth + 2; }
  torch::Tensor fit_weight(const std::string& name, const torch::Tensor& loaded) const override;

  torch::Tensor cls_token, dist_token, pos_embed;
  ViTPatchEmbed patch_embed{nullptr};
  torch::nn::ModuleList blocks;
  torch::nn::LayerNorm norm{nullptr};
  torch::nn::Linear head{nullptr}, head_dist{nullptr};

 private:
  int64_t prefix_tokens() const { return config_.distilled ? 2 : 1; }
  int64_t side() const { return (config_.img_size + config_.patch_size - 1) / config_.patch_size; }
  ViTConfig config_;
};

void add_vit(Registry& table);

}  // namespace braid::models
