// PVT v2, the Pyramid Vision Transformer: four stages of falling resolution, overlapping patches,
// attention to pooled keys and feed-forward parts with a depthwise convolution.
//
// Paper: Wang et al., https://arxiv.org/abs/2106.13797
// Reference: timm's pvt_v2.py (Apache-2.0), without its `linear` attention; same keys and shapes.
// Differences: a map smaller than the reduction of its keys is padded with zeros to one key, so
// that small images work.
#pragma once
#include "braid/models/registry.h"
#include "braid/models/vision/image_model.h"
#include "braid/nn/basic/block_list.h"
#include "braid/nn/block/pre_norm_block.h"
#include "braid/nn/conv/patch_embed.h"

namespace braid::models {

struct PvtV2Config {
  static constexpr bool kFixedInputSize = false;  // timm's takes no img_size
  int64_t num_classes = 1000;
  int64_t in_chans = 3;
  int64_t img_size = 224;                      // pixels; the network itself takes any size
  std::vector<int64_t> depths = {2, 2, 2, 2};  // blocks per stage
  std::vector<int64_t> embed_dims = {32, 64, 160, 256};  // channels per stage
  std::vector<int64_t> num_heads = {1, 2, 5, 8};         // per stage
  std::vector<int64_t> sr_ratios = {8, 4, 2, 1};  // per stage, pixels along a side that make a key
  std::vector<double> mlp_ratios = {8, 8, 4, 4};  // per stage, hidden channels per channel
  bool qkv_bias = true;
  double drop_rate = 0;
  double proj_drop_rate = 0;
  double attn_drop_rate = 0;
  double drop_path_rate = 0;
  void visit(FieldVisitor& v);
};

// [B,H,W,D] -> [B,H,W,D]. Keys: norm1, attn, norm2, mlp.
class PvtV2BlockImpl : public nn::PreNormBlockImpl {
 public:
  PvtV2BlockImpl(const PvtV2Config& config, size_t stage, double drop_path);
};
TORCH_MODULE(PvtV2Block);

// Keys: (downsample.proj, downsample.norm), blocks.I, norm.
class PvtV2StageImpl : public torch::nn::Module {
 public:
  // rates: stochastic depth of its blocks.
  PvtV2StageImpl(const PvtV2Config& config, size_t stage, const std::vector<double>& rates);
  torch::Tensor forward(torch::Tensor x, bool checkpointing);  // [B,H,W,D] -> [B,H',W',D']

  nn::OverlapPatchEmbed downsample{nullptr};  // none in the first stage
  nn::BlockList blocks;
  torch::nn::LayerNorm norm{nullptr};
};
TORCH_MODULE(PvtV2Stage);

class PvtV2 : public ModelOf<PvtV2Config> {
 public:
  explicit PvtV2(const PvtV2Config& config);
  torch::Tensor forward_features(const torch::Tensor& x) override;  // [B,C,H,W] -> [B,D,h,w]
  torch::Tensor forward_head(const torch::Tensor& features, bool pre_logits) override;
  std::vector<FeatureInfo> feature_info() const override;
  std::vector<std::string> head_modules() const override { return {"head"}; }
  int64_t layer_id(const std::string& parameter) const override;
  int64_t layer_count() const override { return static_cast<int64_t>(config_.depths.size()) + 2; }

  nn::OverlapPatchEmbed patch_embed{nullptr};
  std::vector<PvtV2Stage> stages;
  torch::nn::Linear head{nullptr};

 private:
  void replace_head(int64_t num_classes) override;
};

void add_pvt_v2(Registry& table);

}  // namespace braid::models
