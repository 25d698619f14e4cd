// EfficientFormerV2: convolutional blocks, with attention on maps in the last two stages.
//
// Paper: Li et al., https://arxiv.org/abs/2212.08059
// Reference: timm's efficientformer_v2.py (Apache-2.0, after
// https://github.com/snap-research/EfficientFormer); same keys and shapes. Differences: the strided
// attention of the third stage works on maps of odd sides too (the reference's fails there, since
// twice the halved side is one pixel more); a checkpoint's tables of attention biases are resized
// to another img_size.
#pragma once
#include "braid/models/registry.h"
#include "braid/models/vision/hybrid/efficientformer_base.h"
#include "braid/nn/basic/block_list.h"
#include "braid/nn/conv/conv_norm_act.h"

namespace braid::models {

struct EfficientFormerV2Config {
  int64_t num_classes = 1000;
  int64_t in_chans = 3;
  int64_t img_size = 224;                               // pixels; fixes the attention biases
  std::vector<int64_t> depths = {2, 2, 6, 4};           // blocks per stage
  std::vector<int64_t> embed_dims = {32, 48, 96, 176};  // channels per stage
  int64_t num_vit = 2;  // attention blocks at the end of the third and every later stage
  // The reference lists a ratio per block; these are the same lists: wide_mlp_ratio at both ends of
  // a stage, mlp_ratios between.
  std::vector<double> mlp_ratios = {4, 4, 3, 3};  // per stage
  double wide_mlp_ratio = 4.0;
  std::vector<int64_t> wide_first = {0, 0, 1, 1};  // wide blocks at the beginning of each stage
  std::vector<int64_t> wide_last = {0, 0, 2, 1};   // and at its end
  double layer_scale_init_value = 1e-5;
  double drop_rate = 0;
  double proj_drop_rate = 0;
  double drop_path_rate = 0;
  void visit(FieldVisitor& v);
};

class EfficientFormerV2 : public ModelOf<EfficientFormerV2Config, EfficientFormerBase> {
 public:
  explicit EfficientFormerV2(const EfficientFormerV2Config& config);
  // x must have img_size pixels a side. [B,C,H,W] -> [B,D,h,w]
  torch::Tensor forward_features(const torch::Tensor& x) override;

 private:
  struct Stage {
    std::shared_ptr<nn::BlockImpl> downsample;  // none in the first stage
    nn::BlockList blocks;
  };
  double mlp_ratio(size_t stage, int64_t block) const;

  nn::ConvNormAct stem_conv1_{nullptr}, stem_conv2_{nullptr};
  std::vector<Stage> stages_;
  torch::nn::BatchNorm2d norm_{nullptr};
};

void add_efficientformer_v2(Registry& table);

}  // namespace braid::models
