// FastViT: convolutions that fuse for inference, attention in the last stage of the larger ones.
//
// Paper: Vasu et al., https://arxiv.org/abs/2303.14189
// Reference: timm's fastvit.py (Apache-2.0, after https://github.com/apple/ml-fastvit, Apple's
// licence); same keys and shapes, in the training form and in the fused one (inference_mode).
// Differences: timm's `layers` are called depths, and `pos_embs` holds kernel sizes instead of
// modules; every stage but the first halves the image.
#pragma once
#include "braid/models/registry.h"
#include "braid/models/vision/hybrid/fastvit_blocks.h"
#include "braid/models/vision/hybrid/mobile_one.h"
#include "braid/models/vision/image_model.h"
#include "braid/nn/basic/block_list.h"
#include "braid/nn/head/classifier_head.h"
#include "braid/nn/position/conditional_position.h"

namespace braid::models {

struct FastViTConfig {
  static constexpr bool kFixedInputSize = false;  // timm's takes no img_size
  int64_t num_classes = 1000;
  int64_t in_chans = 3;
  int64_t img_size = 256;                      // pixels; the network itself takes any size
  std::vector<int64_t> depths = {2, 2, 4, 2};  // blocks per stage
  std::vector<std::string> token_mixers = {"repmixer", "repmixer", "repmixer", "repmixer"};
  std::vector<int64_t> embed_dims = {48, 96, 192, 384};  // channels per stage
  std::vector<double> mlp_ratios = {3, 3, 3, 3};
  std::vector<int64_t> pos_embs = {0, 0, 0, 0};  // kernel of the position encoding, 0: none
  int64_t repmixer_kernel_size = 3;
  int64_t down_patch_size = 7;  // kernel of the convolutions between stages
  double layer_scale_init_value = 1e-5;
  double cls_ratio = 2.0;       // channels of the last convolution per channel
  bool inference_mode = false;  // branches fused to single convolutions
  double drop_rate = 0;
  double proj_drop_rate = 0;
  double drop_path_rate = 0;
  void visit(FieldVisitor& v);
};

// Halves the image. [B,C,H,W] -> [B,C',H/2,W/2]. Keys: proj.0, proj.1.
class FastViTDownsampleImpl : public nn::BlockImpl {
 public:
  FastViTDownsampleImpl(const FastViTConfig& config, int64_t in, int64_t out);
  torch::Tensor forward(const torch::Tensor& x) override { return proj_->forward(x); }

 private:
  nn::BlockList proj_;
};
TORCH_MODULE(FastViTDownsample);

class FastViT : public ModelOf<FastViTConfig> {
 public:
  explicit FastViT(const FastViTConfig& config);
  torch::Tensor forward_features(const torch::Tensor& x) override;  // [B,C,H,W] -> [B,D,h,w]
  torch::Tensor forward_head(const torch::Tensor& features, bool pre_logits) override;
  std::vector<FeatureInfo> feature_info() const override;
  int64_t num_features() const override;
  std::vector<std::string> head_modules() const override { return {"head.fc"}; }
  int64_t layer_id(const std::string& parameter) const override;
  int64_t layer_count() const override { return static_cast<int64_t>(config_.depths.size()) + 2; }
  void reparameterize() override;

 private:
  void replace_head(int64_t num_classes) override;
  struct Stage {
    FastViTDownsample downsample{nullptr};
    nn::ConditionalPositionEncoding pos_emb{nullptr};
    nn::BlockList blocks;
  };
  nn::BlockList stem_;
  std::vector<Stage> stages_;
  MobileOne final_conv_{nullptr};
  nn::ClassifierHead head_{nullptr};
};

void add_fastvit(Registry& table);

}  // namespace braid::models
