// Conformer: a ResNet and a Transformer side by side that exchange features in every block.
//
// Paper: Peng et al., https://arxiv.org/abs/2105.03889
// Reference: https://github.com/pengzhiliang/Conformer (Apache-2.0), conformer.py; same keys and
// shapes. Each branch has a head of its own; the authors train the mean of both losses and score
// the sum of both logits.
// Differences: forward returns the mean of both logits, which ranks classes as their sum does and
// keeps the scale that each head was trained at; forward_distilled gives both. The features are
// the convolutional branch's map with the normalized class token behind its channels. Depths are
// given per stage (the authors divide one number by three). Where the patch does not divide the
// image, the stem's output is padded with zeros, so that any img_size works; the other sizes are
// the authors'.
#pragma once
#include "braid/models/registry.h"
#include "braid/models/vision/image_model.h"
#include "braid/nn/block/conformer_block.h"

namespace braid::models {

struct ConformerConfig {
  int64_t num_classes = 1000;
  int64_t in_chans = 3;
  int64_t img_size = 224;     // pixels
  int64_t patch_size = 16;    // pixels along one side of a token, a multiple of 16
  double channel_ratio = 1;   // the stages have 64, 128 and 256 times this many channels
  int64_t num_med_block = 0;  // further bottlenecks per block
  int64_t embed_dim = 384;    // channels of a token
  std::vector<int64_t> depths = {4, 4, 4};  // blocks per stage
  int64_t num_heads = 6;
  double mlp_ratio = 4.0;
  bool qkv_bias = true;
  double drop_rate = 0;
  double attn_drop_rate = 0;
  double drop_path_rate = 0;
  void visit(FieldVisitor& v);
};

class Conformer : public ModelOf<ConformerConfig> {
 public:
  explicit Conformer(const ConformerConfig& config);
  // [B,C,H,W] -> [B,C'+D,H/32,W/32]: the map, and the class token at every pixel.
  torch::Tensor forward_features(const torch::Tensor& x) override;
  torch::Tensor forward_head(const torch::Tensor& features, bool pre_logits) override;
  // Logits of the convolutional and of the Transformer branch.
  std::pair<torch::Tensor, torch::Tensor> forward_distilled(const torch::Tensor& x) override;
  std::vector<FeatureInfo> feature_info() const override;
  int64_t num_features() const override;
  std::vector<std::string> head_modules() const override;
  std::vector<std::string> no_weight_decay() const override { return {"cls_token"}; }
  int64_t layer_id(const std::string& parameter) const override;
  int64_t layer_count() const override { return depth() + 2; }

  torch::Tensor cls_token;
  torch::nn::Conv2d conv1{nullptr}, trans_patch_conv{nullptr};
  torch::nn::BatchNorm2d bn1{nullptr};
  nn::ConvBlock conv_1{nullptr};
  nn::ViTBlock trans_1{nullptr};
  std::vector<nn::ConvTransBlock> conv_trans;  // registered as conv_trans_2, conv_trans_3, ...
  torch::nn::LayerNorm trans_norm{nullptr};
  torch::nn::Linear conv_cls_head{nullptr}, trans_cls_head{nullptr};

 private:
  void replace_head(int64_t num_classes) override;
  int64_t depth() const { return static_cast<int64_t>(conv_trans.size()) + 1; }
  int64_t width(size_t stage) const;  // channels of the map
  // Pooled features [B,C'+D] -> both logits.
  std::pair<torch::Tensor, torch::Tensor> heads(const torch::Tensor& pooled);
};

void add_conformer(Registry& table);

}  // namespace braid::models
