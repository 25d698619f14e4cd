// ResNet for ImageNet-sized and for small images.
//
// Paper: He et al., https://arxiv.org/abs/1512.03385 (small images: section 4.2)
// Reference: timm's resnet.py (Apache-2.0); same keys and shapes. The small-image networks use the
// same keys. Differences: none in the computation. The small networks use the paper's shortcut of
// option A, which has no weights.
#pragma once
#include "braid/models/registry.h"
#include "braid/models/vision/image_model.h"
#include "braid/nn/basic/block_list.h"

namespace braid::models {

struct ResNetConfig {
  int64_t num_classes = 1000;
  int64_t in_chans = 3;
  int64_t img_size = 224;                      // pixels; the network itself takes any size
  std::vector<int64_t> layers = {2, 2, 2, 2};  // blocks per stage
  std::vector<int64_t> widths = {64, 128, 256,
                                 512};  // channels per stage, before a bottleneck's expansion
  bool bottleneck = false;              // 1x1, 3x3, 1x1 with expansion 4; else two 3x3
  bool small_images = false;  // stem 3x3 without stride and pooling, shortcuts of option A
  double drop_rate = 0;
  double drop_path_rate = 0;
  void visit(FieldVisitor& v);
};

class ResNet : public ModelOf<ResNetConfig> {
 public:
  explicit ResNet(const ResNetConfig& config);
  torch::Tensor forward_features(const torch::Tensor& x) override;  // [B,C,H,W] -> [B,D,h,w]
  torch::Tensor forward_head(const torch::Tensor& features, bool pre_logits) override;
  std::vector<FeatureInfo> feature_info() const override;
  std::vector<std::string> head_modules() const override { return {"fc"}; }
  int64_t layer_id(const std::string& parameter) const override;
  int64_t layer_count() const override { return static_cast<int64_t>(config_.layers.size()) + 2; }

 private:
  void replace_head(int64_t num_classes) override;
  int64_t expansion() const { return config_.bottleneck ? 4 : 1; }
  torch::nn::Conv2d conv1_{nullptr};
  torch::nn::BatchNorm2d bn1_{nullptr};
  std::vector<nn::BlockList> layers_;  // registered as layer1, layer2, ...
  torch::nn::Linear fc_{nullptr};
};

void add_resnet(Registry& table);

}  // namespace braid::models
