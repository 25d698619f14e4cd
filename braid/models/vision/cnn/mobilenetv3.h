// MobileNetV3, whose head pools before its last convolution.
//
// Paper: Howard et al., https://arxiv.org/abs/1905.02244
// Reference: timm's mobilenetv3.py (Apache-2.0); same keys and shapes.
// Differences: none in the computation; see efficientnet_stages.h for the notation of arch_def.
#pragma once
#include "braid/models/vision/cnn/efficientnet.h"

namespace braid::models {

struct MobileNetV3Config {
  static constexpr bool kFixedInputSize = false;  // timm's takes no img_size
  int64_t num_classes = 1000;
  int64_t in_chans = 3;
  int64_t img_size = 224;  // pixels; the network itself takes any size
  std::vector<std::string> arch_def = {"ds_k3_s1_c16_nre",
                                       "ir_k3_s2_e4_c24_nre ir_k3_s1_e3_c24_nre",
                                       "ir_k5_s2_e3_c40_se0.25_nre",
                                       "ir_k3_s2_e6_c80 ir_k3_s1_e2.5_c80 ir_k3_s1_e2.3_c80",
                                       "ir_k3_s1_e6_c112_se0.25",
                                       "ir_k5_s2_e6_c160_se0.25",
                                       "cn_k1_s1_c960"};
  std::vector<int64_t> depths = {1, 2, 3, 4, 2, 3, 1};  // blocks per stage
  int64_t stem_size = 16;                               // channels of the stem
  int64_t num_features = 1280;                          // channels after pooling
  bool head_norm = false;  // a norm instead of a bias after the head's convolution
  std::string act_layer = "hard_swish";
  std::optional<double> layer_scale_init_value{};  // of uir and mqa blocks; unset: none
  double drop_rate = 0;
  double drop_path_rate = 0;
  void visit(FieldVisitor& v);
};

class MobileNetV3 : public ModelOf<MobileNetV3Config, EfficientNetBase> {
 public:
  explicit MobileNetV3(const MobileNetV3Config& config);
  torch::Tensor forward_features(const torch::Tensor& x) override;  // [B,C,H,W] -> [B,D,h,w]
  torch::Tensor forward_head(const torch::Tensor& features, bool pre_logits) override;

 private:
  void replace_head(int64_t num_classes) override;
  nn::Act act_;
  torch::nn::Conv2d conv_head_{nullptr};
  torch::nn::BatchNorm2d norm_head_{nullptr};
};

void add_mobilenetv3(Registry& table);

}  // namespace braid::models
