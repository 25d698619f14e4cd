// What ViT, DeiT and the hybrid ViT have in common: class token, positions, blocks and heads behind
// an embedding of images that each of them brings along.
//
// Reference: timm's VisionTransformer and VisionTransformerDistilled (Apache-2.0); same keys and
// shapes.
#pragma once
#include "braid/models/vision/image_model.h"
#include "braid/nn/basic/block_list.h"
#include "braid/nn/block/vit_block.h"

namespace braid::models {

struct VisionTransformerConfig {
  int64_t num_classes = 1000;
  int64_t grid_size = 14;  // tokens along one side of the grid
  int64_t reduction = 16;  // input pixels per token along one side
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
};

// Keys: (cls_token), (dist_token), pos_embed, blocks.I, norm or, without a class token, fc_norm,
// head, (head_dist).
class VisionTransformer : public ImageModel {
 public:
  torch::Tensor forward_features(const torch::Tensor& x) override;  // [B,C,H,W] -> [B,N,D]
  torch::Tensor forward_head(const torch::Tensor& features, bool pre_logits) override;
  std::pair<torch::Tensor, torch::Tensor> forward_distilled(const torch::Tensor& x) override;
  std::vector<FeatureInfo> feature_info() const override;
  std::vector<std::string> head_modules() const override;
  std::string global_pool() const override { return body_.class_token ? "token" : "avg"; }
  std::vector<std::string> no_weight_decay() const override;
  int64_t layer_id(const std::string& parameter) const override;
  int64_t layer_count() const override { return body_.depth + 2; }
  torch::Tensor resample_weight(const std::string& name,
                                const torch::Tensor& loaded) const override;

  torch::Tensor cls_token, dist_token, pos_embed;
  nn::BlockList blocks;
  torch::nn::LayerNorm norm{nullptr};  // after the blocks, or after the mean of the tokens
  torch::nn::Linear head{nullptr}, head_dist{nullptr};

 protected:
  void replace_head(int64_t num_classes) override;
  // Checks the fields that every such model has; `model`, a literal, stands in the errors.
  VisionTransformer(const char* model, const VisionTransformerConfig& body);
  // Images [B,C,H,W] to tokens [B,N,D], N = grid_size^2, without prefix tokens and positions. Its
  // parameters are those named patch_embed.
  virtual torch::Tensor embed(const torch::Tensor& x) = 0;

 private:
  int64_t prefix_tokens() const { return (body_.class_token ? 1 : 0) + (body_.distilled ? 1 : 0); }
  int64_t embedded_prefix() const { return body_.no_embed_class ? 0 : prefix_tokens(); }
  const char* model_;
  VisionTransformerConfig body_;
};

}  // namespace braid::models
