// RegNet with squeeze-and-excitation (RegNetY) or without (RegNetX).
//
// Paper: Radosavovic et al., https://arxiv.org/abs/2003.13678
// Reference: timm's regnet.py (Apache-2.0; after facebookresearch/pycls, MIT); same keys and
// shapes.
// Differences: none in the computation. Depths and widths stand in the config; timm derives them
// from the paper's slope and quantization (regnety_008: w0 56, wa 38.84, wm 2.4, depth 14).
#pragma once
#include "braid/models/registry.h"
#include "braid/models/vision/image_model.h"
#include "braid/nn/basic/block_list.h"
#include "braid/nn/conv/conv_norm_act.h"
#include "braid/nn/conv/squeeze_excite.h"
#include "braid/nn/head/classifier_head.h"

namespace braid::models {

struct RegNetConfig {
  int64_t num_classes = 1000;
  int64_t in_chans = 3;
  int64_t img_size = 224;                             // pixels; the network itself takes any size
  std::vector<int64_t> depths = {1, 3, 8, 2};         // blocks per stage
  std::vector<int64_t> widths = {64, 128, 320, 768};  // channels per stage
  int64_t group_size = 16;                            // channels per group of the 3x3 convolutions
  double se_ratio = 0.25;  // squeezed channels per channel of a block's input, 0: none
  int64_t stem_width = 32;
  double drop_rate = 0;
  double drop_path_rate = 0;
  void visit(FieldVisitor& v);
};

// 1x1, grouped 3x3, squeeze-and-excitation and 1x1 beside a shortcut. Keys: conv1, conv2, (se),
// conv3, (downsample), each convolution with conv and bn.
class RegNetBlockImpl : public nn::BlockImpl {
 public:
  RegNetBlockImpl(const RegNetConfig& config, int64_t in, int64_t out, int64_t stride,
                  double drop_path_rate);
  torch::Tensor forward(const torch::Tensor& x) override;  // -> [B,C',H/stride,W/stride]

 private:
  double drop_path_;
  nn::ConvNormAct conv1_{nullptr}, conv2_{nullptr}, conv3_{nullptr}, downsample_{nullptr};
  nn::SqueezeExcite se_{nullptr};
};
TORCH_MODULE(RegNetBlock);

class RegNet : public ModelOf<RegNetConfig> {
 public:
  explicit RegNet(const RegNetConfig& config);
  torch::Tensor forward_features(const torch::Tensor& x) override;  // [B,C,H,W] -> [B,D,h,w]
  torch::Tensor forward_head(const torch::Tensor& features, bool pre_logits) override;
  std::vector<FeatureInfo> feature_info() const override;
  std::vector<std::string> head_modules() const override { return {"head.fc"}; }
  int64_t layer_id(const std::string& parameter) const override;
  int64_t layer_count() const override { return static_cast<int64_t>(config_.depths.size()) + 2; }

 private:
  void replace_head(int64_t num_classes) override;
  nn::ConvNormAct stem_{nullptr};
  std::vector<nn::BlockList> stages_;
  nn::ClassifierHead head_{nullptr};
};

void add_regnet(Registry& table);

}  // namespace braid::models
