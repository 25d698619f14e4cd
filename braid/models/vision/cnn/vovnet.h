// VoVNet V2: blocks that concatenate what every one of their convolutions made, once, at their end.
//
// Papers: Lee et al., https://arxiv.org/abs/1904.09730 and https://arxiv.org/abs/1911.06667
// Reference: timm's vovnet.py (Apache-2.0); same keys and shapes. Differences: depths in the place
// of block_per_stage; pooling leaves a side of one pixel as it is (timm fails there, below 29
// pixels).
#pragma once
#include "braid/models/registry.h"
#include "braid/models/vision/image_model.h"
#include "braid/nn/basic/block_list.h"
#include "braid/nn/head/classifier_head.h"

namespace braid::models {

struct VovNetConfig {
  int64_t num_classes = 1000;
  int64_t in_chans = 3;
  int64_t img_size = 224;                        // pixels; the network itself takes any size
  std::vector<int64_t> stem_chs = {64, 64, 64};  // of its three convolutions
  std::vector<int64_t> depths = {1, 1, 1, 1};    // blocks per stage
  std::vector<int64_t> stage_conv_chs = {128, 160, 192, 224};  // of a block's inner convolutions
  std::vector<int64_t> stage_out_chs = {256, 512, 768, 1024};
  int64_t layer_per_block = 3;  // inner convolutions
  bool depthwise = false;       // depthwise and 1x1 in the place of 3x3; one block per stage then
  double drop_rate = 0;
  double drop_path_rate = 0;
  void visit(FieldVisitor& v);
};

class VovNet : public ModelOf<VovNetConfig> {
 public:
  explicit VovNet(const VovNetConfig& config);
  torch::Tensor forward_features(const torch::Tensor& x) override;  // [B,C,H,W] -> [B,D,h,w]
  torch::Tensor forward_head(const torch::Tensor& features, bool pre_logits) override;
  std::vector<FeatureInfo> feature_info() const override;
  std::vector<std::string> head_modules() const override { return {"head.fc"}; }
  int64_t layer_id(const std::string& parameter) const override;
  int64_t layer_count() const override { return static_cast<int64_t>(config_.depths.size()) + 2; }

 private:
  void replace_head(int64_t num_classes) override;
  nn::BlockList stem_, stages_;
  nn::ClassifierHead head_{nullptr};
};

void add_vovnet(Registry& table);

}  // namespace braid::models
