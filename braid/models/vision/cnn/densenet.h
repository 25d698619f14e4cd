// DenseNet-BC, where every layer reads the outputs of all layers before it.
//
// Paper: Huang et al., https://arxiv.org/abs/1608.06993
// Reference: timm's densenet.py (Apache-2.0; after torchvision, BSD-3-Clause); same keys and
// shapes.
// Differences: `block_config` is called depths; a transition leaves a side of one pixel as it is
// (timm fails there, below 32 pixels); gradient checkpointing recomputes whole blocks rather than
// bottlenecks.
#pragma once
#include "braid/models/registry.h"
#include "braid/models/vision/image_model.h"
#include "braid/nn/basic/block.h"

namespace braid::models {

struct DenseNetConfig {
  int64_t num_classes = 1000;
  int64_t in_chans = 3;
  int64_t img_size = 224;                         // pixels; the network itself takes any size
  std::vector<int64_t> depths = {6, 12, 24, 16};  // layers per block
  int64_t growth_rate = 32;                       // channels that a layer adds
  int64_t bn_size = 4;        // channels of a layer's bottleneck per channel that it adds
  double drop_rate = 0;       // before the classifier
  double proj_drop_rate = 0;  // after each layer
  void visit(FieldVisitor& v);
};

// A block's layers. Keys: denselayerI.{norm1,conv1,norm2,conv2}.
class DenseBlockImpl : public nn::BlockImpl {
 public:
  DenseBlockImpl(const DenseNetConfig& config, int64_t in, int64_t layers);
  // [B,C,H,W] -> [B,C+layers*growth_rate,H,W]
  torch::Tensor forward(const torch::Tensor& x) override;

 private:
  struct Layer {
    torch::nn::BatchNorm2d norm1{nullptr}, norm2{nullptr};
    torch::nn::Conv2d conv1{nullptr}, conv2{nullptr};
  };
  double drop_;
  std::vector<Layer> layers_;
};
TORCH_MODULE(DenseBlock);

// Halves channels and sides. Keys: norm, conv.
class DenseTransitionImpl : public nn::BlockImpl {
 public:
  DenseTransitionImpl(int64_t in, int64_t out);
  torch::Tensor forward(const torch::Tensor& x) override;  // [B,C,H,W] -> [B,C',H/2,W/2]

 private:
  torch::nn::BatchNorm2d norm_{nullptr};
  torch::nn::Conv2d conv_{nullptr};
};
TORCH_MODULE(DenseTransition);

class DenseNet : public ModelOf<DenseNetConfig> {
 public:
  explicit DenseNet(const DenseNetConfig& config);
  torch::Tensor forward_features(const torch::Tensor& x) override;  // [B,C,H,W] -> [B,D,h,w]
  torch::Tensor forward_head(const torch::Tensor& features, bool pre_logits) override;
  std::vector<FeatureInfo> feature_info() const override { return info_; }
  std::vector<std::string> head_modules() const override { return {"classifier"}; }
  int64_t layer_id(const std::string& parameter) const override;
  int64_t layer_count() const override { return static_cast<int64_t>(config_.depths.size()) + 2; }

 private:
  void replace_head(int64_t num_classes) override;
  std::vector<FeatureInfo> info_;
  torch::nn::Conv2d conv0_{nullptr};
  torch::nn::BatchNorm2d norm0_{nullptr}, norm5_{nullptr};
  std::vector<DenseBlock> blocks_;
  std::vector<DenseTransition> transitions_;  // one fewer than blocks
  torch::nn::Linear classifier_{nullptr};
};

void add_densenet(Registry& table);

}  // namespace braid::models
