// RepViT: the MobileNet block in the shape of a Transformer's, token mixer and channel mixer.
//
// Paper: Wang et al., https://arxiv.org/abs/2307.09283
// Reference: timm's repvit.py (Apache-2.0, after https://github.com/jameslahm/RepViT); same keys
// and shapes, in the training form and in the folded one (timm's fuse(), here inference_mode).
// Differences: a new classifier keeps its distillation head.
#pragma once
#include "braid/models/registry.h"
#include "braid/models/vision/hybrid/repvit_layers.h"
#include "braid/models/vision/image_model.h"
#include "braid/nn/basic/block_list.h"

namespace braid::models {

struct RepViTConfig {
  static constexpr bool kFixedInputSize = false;  // timm's takes no img_size
  int64_t num_classes = 1000;
  int64_t in_chans = 3;
  int64_t img_size = 224;                               // pixels; the network itself takes any size
  std::vector<int64_t> embed_dim = {48, 96, 192, 384};  // channels per stage
  std::vector<int64_t> depths = {2, 2, 14, 2};          // blocks per stage
  int64_t mlp_ratio = 2;
  int64_t kernel_size = 3;      // of the token mixers, odd
  bool distillation = true;     // with a distillation head
  bool legacy = true;           // norms inside the branches of the token mixers
  bool inference_mode = false;  // branches and norms folded into convolutions
  double drop_rate = 0;
  void visit(FieldVisitor& v);
};

class RepViT : public ModelOf<RepViTConfig> {
 public:
  explicit RepViT(const RepViTConfig& config);
  torch::Tensor forward_features(const torch::Tensor& x) override;  // [B,C,H,W] -> [B,D,h,w]
  torch::Tensor forward_head(const torch::Tensor& features, bool pre_logits) override;
  std::pair<torch::Tensor, torch::Tensor> forward_distilled(const torch::Tensor& x) override;
  std::vector<FeatureInfo> feature_info() const override;
  std::vector<std::string> head_modules() const override;
  int64_t layer_id(const std::string& parameter) const override;
  int64_t layer_count() const override { return static_cast<int64_t>(config_.depths.size()) + 2; }
  void reparameterize() override;

 private:
  void replace_head(int64_t num_classes) override;
  torch::Tensor pool(const torch::Tensor& features);  // [B,D,h,w] -> [B,D], after dropout

  struct Stage {
    std::shared_ptr<nn::BlockImpl> downsample;  // none in the first stage
    nn::BlockList blocks;
  };
  nn::ConvNormAct stem_conv1_{nullptr}, stem_conv2_{nullptr};
  std::vector<Stage> stages_;
  NormLinear head_{nullptr}, head_dist_{nullptr};
  torch::nn::Linear folded_head_{nullptr};
  std::shared_ptr<torch::nn::Module> heads_;  // what is registered as head
};

void add_repvit(Registry& table);

}  // namespace braid::models
