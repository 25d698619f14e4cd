// EfficientNet, and the trunk that it shares with the MobileNets.
//
// Paper: Tan and Le, https://arxiv.org/abs/1905.11946
// Reference: timm's efficientnet.py (Apache-2.0); same keys and shapes.
// Differences: of the variants with weights from TensorFlow, tf_efficientnet_lite0 alone; none in
// the computation; see efficientnet_stages.h for the notation of arch_def.
#pragma once
#include "braid/models/registry.h"
#include "braid/models/vision/efficientnet_stages.h"
#include "braid/models/vision/image_model.h"

namespace braid::models {

// A strided stem and stages of blocks, then what the derived model makes of them. Keys: conv_stem,
// bn1, blocks.STAGE.BLOCK.*, classifier.
class EfficientNetBase : public ImageModel {
 public:
  std::vector<FeatureInfo> feature_info() const override;
  std::vector<std::string> head_modules() const override { return {"classifier"}; }
  int64_t layer_id(const std::string& parameter) const override;
  int64_t layer_count() const override { return depth_ + 2; }

 protected:
  // stages.in_chs: the stem's channels.
  void build(int64_t in_chans, const EfficientNetStagesConfig& stages);
  torch::Tensor trunk(const torch::Tensor& x);  // [B,C,H,W] -> [B,D,h,w]
  int64_t trunk_chs() const { return blocks_->out_chs(); }
  void replace_classifier(int64_t in_features, int64_t num_classes);
  // x: [B,D], what enters the classifier.
  torch::Tensor classify(const torch::Tensor& x, double drop_rate, bool pre_logits);

 private:
  int64_t depth_ = 0;  // stages
  nn::Act act_ = nn::Act::kRelu;
  nn::Padding padding_ = nn::Padding::kSymmetric;
  torch::nn::Conv2d conv_stem_{nullptr};
  torch::nn::BatchNorm2d bn1_{nullptr};
  EfficientNetStages blocks_{nullptr};
  torch::nn::Linear classifier_{nullptr};
};

struct EfficientNetConfig {
  int64_t num_classes = 1000;
  int64_t in_chans = 3;
  int64_t img_size = 224;  // pixels; the network itself takes any size
  std::vector<std::string> arch_def = {"ds_k3_s1_c16_se0.25",     "ir_k3_s2_e6_c24_se0.25",
                                       "ir_k5_s2_e6_c40_se0.25",  "ir_k3_s2_e6_c80_se0.25",
                                       "ir_k5_s1_e6_c112_se0.25", "ir_k5_s2_e6_c192_se0.25",
                                       "ir_k3_s1_e6_c320_se0.25"};
  std::vector<int64_t> depths = {1, 2, 2, 3, 3, 4, 1};  // blocks per stage
  int64_t stem_size = 32;                               // channels of the stem
  int64_t num_features = 1280;                          // channels before pooling
  std::string act_layer = "silu";
  std::string pad_type;  // "": symmetric; same: TensorFlow's
  double bn_eps = 1e-5;  // epsilon of the batch norms
  double drop_rate = 0;
  double drop_path_rate = 0;
  void visit(FieldVisitor& v);
};

class EfficientNet : public ModelOf<EfficientNetConfig, EfficientNetBase> {
 public:
  explicit EfficientNet(const EfficientNetConfig& config);
  torch::Tensor forward_features(const torch::Tensor& x) override;  // [B,C,H,W] -> [B,D,h,w]
  torch::Tensor forward_head(const torch::Tensor& features, bool pre_logits) override;
  int64_t num_features() const override { return config_.num_features; }
  int64_t layer_id(const std::string& parameter) const override;

 private:
  void replace_head(int64_t num_classes) override;
  nn::Act act_;
  torch::nn::Conv2d conv_head_{nullptr};
  torch::nn::BatchNorm2d bn2_{nullptr};
};

void add_efficientnet(Registry& table);

}  // namespace braid::models
