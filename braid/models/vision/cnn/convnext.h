// ConvNeXt, a convolutional network after the manner of a hierarchical Transformer.
//
// Paper: Liu et al., https://arxiv.org/abs/2201.03545
// Reference: timm's convnext.py (Apache-2.0; after facebookresearch/ConvNeXt, MIT); same keys and
// shapes.
// Differences: a map smaller than the 2x2 window that would halve it is padded with zeros (timm
// fails there, below 32 pixels).
#pragma once
#include "braid/models/registry.h"
#include "braid/models/vision/image_model.h"
#include "braid/nn/basic/block_list.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/block/convnext_block.h"
#include "braid/nn/head/classifier_head.h"

namespace braid::models {

struct ConvNeXtConfig {
  int64_t num_classes = 1000;
  int64_t in_chans = 3;
  int64_t img_size = 224;                           // pixels; the network itself takes any size
  std::vector<int64_t> depths = {3, 3, 9, 3};       // blocks per stage
  std::vector<int64_t> dims = {96, 192, 384, 768};  // channels per stage
  int64_t patch_size = 4;                           // of the stem; 2: the first stage halves too
  int64_t kernel_size = 7;                          // of the depthwise convolutions
  bool conv_mlp = false;  // weights of the feed-forward parts are 1x1 convolutions
  std::optional<double> ls_init_value = 1e-6;  // of the layer scales; unset: none
  double drop_rate = 0;
  double drop_path_rate = 0;
  void visit(FieldVisitor& v);
};

// Keys: (downsample.0, downsample.1), blocks.I.
class ConvNeXtStageImpl : public torch::nn::Module {
 public:
  // rates: stochastic depth of each block.
  ConvNeXtStageImpl(const ConvNeXtConfig& config, int64_t in, int64_t out, int64_t stride,
                    const std::vector<double>& rates);
  torch::Tensor forward(torch::Tensor x, bool checkpointing);  // [B,C,H,W] -> [B,C',h,w]

 private:
  nn::LayerNorm2d norm_{nullptr};
  torch::nn::Conv2d conv_{nullptr};
  nn::BlockList blocks_;
};
TORCH_MODULE(ConvNeXtStage);

class ConvNeXt : public ModelOf<ConvNeXtConfig> {
 public:
  explicit ConvNeXt(const ConvNeXtConfig& config);
  torch::Tensor forward_features(const torch::Tensor& x) override;  // [B,C,H,W] -> [B,D,h,w]
  torch::Tensor forward_head(const torch::Tensor& features, bool pre_logits) override;
  std::vector<FeatureInfo> feature_info() const override;
  std::vector<std::string> head_modules() const override { return {"head.fc"}; }
  int64_t layer_id(const std::string& parameter) const override;
  int64_t layer_count() const override { return static_cast<int64_t>(config_.depths.size()) + 2; }

 private:
  void replace_head(int64_t num_classes) override;
  // The first stage halves only what a stem of patch size 2 left.
  int64_t stride(size_t stage) const { return stage > 0 || config_.patch_size == 2 ? 2 : 1; }
  torch::nn::Conv2d stem_conv_{nullptr};
  nn::LayerNorm2d stem_norm_{nullptr};
  std::vector<ConvNeXtStage> stages_;
  nn::ClassifierHead head_{nullptr};
};

void add_convnext(Registry& table);

}  // namespace braid::models
