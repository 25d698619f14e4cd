// ResNet-9: the residual network of DAWNBench's fastest entries, for small images and short
// budgets.
//
// Source: Page, "How to Train Your ResNet", https://github.com/davidcpage/cifar10-fast
// Reference: its dawn.py (MIT); same keys and shapes.
// Differences: the last pooling takes the whole map (the same at 32 pixels), a side of one pixel is
// not pooled.
#pragma once
#include <string>
#include <vector>

#include "braid/models/registry.h"
#include "braid/models/vision/image_model.h"

namespace braid::models {

struct ResNet9Config {
  int64_t num_classes = 1000;
  int64_t in_chans = 3;
  int64_t img_size = 32;                          // pixels; the network itself takes any size
  int64_t prep_chs = 64;                          // channels of the first convolution
  std::vector<int64_t> widths = {128, 256, 512};  // channels per layer; each halves the map
  std::vector<int64_t> res_layers = {1, 3};       // layers with a residual block, from 1
  double logit_scale = 0.125;                     // factor of the classifier's output
  double drop_rate = 0;
  void visit(FieldVisitor& v);
};

// A convolution with norm and ReLU, 2x2 max pooling, and where it has one a residual block of two
// more convolutions. [B,C,H,W] -> [B,C',H/2,W/2]. Keys: PREFIX_conv, PREFIX_bn, and of the block
// PREFIX_residual_res1_conv and so on, all in the network itself, as the reference flattens them.
class ResNet9LayerImpl : public torch::nn::Module {
 public:
  ResNet9LayerImpl(torch::nn::Module& network, const std::string& prefix, int64_t in_chs,
                   int64_t out_chs, bool residual);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  std::vector<torch::nn::Conv2d> convs_;
  std::vector<torch::nn::BatchNorm2d> norms_;
};
TORCH_MODULE(ResNet9Layer);

class ResNet9 : public ModelOf<ResNet9Config> {
 public:
  explicit ResNet9(const ResNet9Config& config);
  torch::Tensor forward_features(const torch::Tensor& x) override;  // [B,C,H,W] -> [B,D,H/8,W/8]
  torch::Tensor forward_head(const torch::Tensor& features, bool pre_logits) override;
  std::vector<FeatureInfo> feature_info() const override;
  std::vector<std::string> head_modules() const override { return {"linear"}; }
  std::string global_pool() const override { return "max"; }
  std::vector<Part> parts() override;
  int64_t layer_id(const std::string& parameter) const override;
  int64_t layer_count() const override { return static_cast<int64_t>(config_.widths.size()) + 2; }

  torch::nn::Linear linear{nullptr};

 private:
  void replace_head(int64_t num_classes) override;
  torch::nn::Conv2d prep_conv_{nullptr};
  torch::nn::BatchNorm2d prep_bn_{nullptr};
  std::vector<ResNet9Layer> layers_;
};

void add_resnet9(Registry& table);

}  // namespace braid::models
