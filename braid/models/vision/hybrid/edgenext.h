// EdgeNeXt: stages of depthwise convolution blocks that end in attention among channels.
//
// Paper: Maaz et al., https://arxiv.org/abs/2206.10589
// Reference: timm's edgenext.py (Apache-2.0, after https://github.com/mmaaz60/EdgeNeXt, MIT); same
// keys and shapes. Differences: maps of less than two pixels a side are padded before they are
// halved, where timm fails; the temperatures are spared from weight decay, as the attention module
// (but not the model) says in timm.
#pragma once
#include "braid/models/registry.h"
#include "braid/models/vision/image_model.h"
#include "braid/nn/basic/block_list.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/head/classifier_head.h"

namespace braid::models {

struct EdgeNeXtConfig {
  static constexpr bool kFixedInputSize = false;  // timm's takes no img_size
  int64_t num_classes = 1000;
  int64_t in_chans = 3;
  int64_t img_size = 256;                                   // pixels; the network takes any size
  std::vector<int64_t> dims = {48, 96, 160, 304};           // channels per stage
  std::vector<int64_t> depths = {3, 3, 9, 3};               // blocks per stage
  std::vector<int64_t> global_block_counts = {0, 1, 1, 1};  // the last blocks of a stage: attention
  std::vector<int64_t> kernel_sizes = {3, 5, 7, 9};         // of the convolution blocks
  std::vector<int64_t> heads = {8, 8, 8, 8};
  std::vector<int64_t> d2_scales = {2, 2, 3, 4};    // parts of the channels in attention blocks
  std::vector<int64_t> use_pos_emb = {0, 1, 0, 0};  // 1: attention blocks add positions
  double ls_init_value = 1e-6;
  double expand_ratio = 4;
  double drop_rate = 0;
  double drop_path_rate = 0;
  void visit(FieldVisitor& v);
};

// Layer norm and a strided convolution without overlap, as wide as its stride; the stem has them
// the other way round. [B,C,H,W] -> [B,C',H/stride,W/stride]. Keys: 0, 1.
class EdgeNeXtDownsampleImpl : public torch::nn::Module {
 public:
  enum class Order { kConvNorm, kNormConv };
  EdgeNeXtDownsampleImpl(int64_t in, int64_t out, int64_t stride, Order order);
  torch::Tensor forward(torch::Tensor x);

 private:
  int64_t stride_;
  Order order_;
  torch::nn::Conv2d conv_{nullptr};
  nn::LayerNorm2d norm_{nullptr};
};
TORCH_MODULE(EdgeNeXtDownsample);

class EdgeNeXt : public ModelOf<EdgeNeXtConfig> {
 public:
  explicit EdgeNeXt(const EdgeNeXtConfig& config);
  torch::Tensor forward_features(const torch::Tensor& x) override;  // [B,C,H,W] -> [B,D,h,w]
  torch::Tensor forward_head(const torch::Tensor& features, bool pre_logits) override;
  std::vector<FeatureInfo> feature_info() const override;
  std::vector<std::string> head_modules() const override { return {"head.fc"}; }
  std::vector<std::string> no_weight_decay() const override;
  int64_t layer_id(const std::string& parameter) const override;
  int64_t layer_count() const override { return static_cast<int64_t>(config_.depths.size()) + 2; }

 private:
  void replace_head(int64_t num_classes) override;
  struct Stage {
    EdgeNeXtDownsample downsample{nullptr};
    nn::BlockList blocks;
  };
  EdgeNeXtDownsample stem_{nullptr};
  std::vector<Stage> stages_;
  nn::ClassifierHead head_{nullptr};
};

void add_edgenext(Registry& table);

}  // namespace braid::models
