// VGG with batch norm.
//
// Paper: Simonyan and Zisserman, https://arxiv.org/abs/1409.1556
// Reference: timm's vgg.py (Apache-2.0; after torchvision, BSD-3-Clause); same keys and shapes.
// Differences: depths and widths instead of timm's list of layers; pooling leaves a side of one
// pixel as it is (timm fails there, below 32 pixels). Gradient checkpointing, which timm does not
// have, recomputes stages.
#pragma once
#include "braid/models/registry.h"
#include "braid/models/vision/image_model.h"
#include "braid/nn/basic/block.h"
#include "braid/nn/head/classifier_head.h"

namespace braid::models {

struct VggConfig {
  int64_t num_classes = 1000;
  int64_t in_chans = 3;
  int64_t img_size = 224;                         // pixels; the network itself takes any size
  std::vector<int64_t> depths = {2, 2, 3, 3, 3};  // convolutions per stage
  std::vector<int64_t> widths = {64, 128, 256, 512, 512};  // channels per stage
  double mlp_ratio = 1.0;  // channels between the head's two hidden layers, of 4096
  double drop_rate = 0;
  void visit(FieldVisitor& v);
};

// 3x3 convolutions with norm and activation, then pooling by two. The modules belong to the
// network's sequence, so that their keys count on through it.
class VggStageImpl : public nn::BlockImpl {
 public:
  // first: the number of the first convolution in the sequence.
  VggStageImpl(torch::nn::Module& sequence, int64_t first, int64_t in, int64_t out, int64_t depth);
  torch::Tensor forward(const torch::Tensor& x) override;  // [B,C,H,W] -> [B,C',H/2,W/2]

 private:
  std::vector<torch::nn::Conv2d> convs_;
  std::vector<torch::nn::BatchNorm2d> norms_;
};
TORCH_MODULE(VggStage);

class Vgg : public ModelOf<VggConfig> {
 public:
  explicit Vgg(const VggConfig& config);
  torch::Tensor forward_features(const torch::Tensor& x) override;  // [B,C,H,W] -> [B,D,h,w]
  torch::Tensor forward_head(const torch::Tensor& features, bool pre_logits) override;
  std::vector<FeatureInfo> feature_info() const override;
  std::vector<std::string> head_modules() const override { return {"head.fc"}; }
  int64_t layer_id(const std::string& parameter) const override;
  int64_t layer_count() const override { return static_cast<int64_t>(config_.depths.size()) + 1; }

 private:
  void replace_head(int64_t num_classes) override;
  std::vector<VggStage> stages_;
  torch::nn::Conv2d fc1_{nullptr}, fc2_{nullptr};
  nn::ClassifierHead head_{nullptr};
};

void add_vgg(Registry& table);

}  // namespace braid::models
