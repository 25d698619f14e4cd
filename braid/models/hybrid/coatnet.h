// CoAtNet: stages of MBConv blocks, then stages of attention with relative positions.
//
// Paper: Dai et al., https://arxiv.org/abs/2106.04803
// Reference: timm's maxxvit.py (Apache-2.0), its `rw` variants; same keys and shapes.
// Differences: halving rounds odd sizes up, so that any img_size works (timm's sizes, multiples of
// 32, are the same), and the relative position bias is read by windows instead of an index buffer.
//
// coatnet_pico_32 is ours, for images of 28 to 40 pixels: CoAtNet's rule of convolutions at high
// resolution and attention at low resolution with the strides moved down by one stage. A stem
// without stride keeps 32 x 32, one MBConv stage works on 16 x 16, attention on 8 x 8 and 4 x 4
// (64 and 16 tokens, cheap and global). Widths and depths were set to about 2 M parameters and 0.1
// G MACs, the arithmetic of resnet56.
#pragma once
#include "braid/models/model.h"
#include "braid/models/registry.h"

namespace braid::models {

struct CoAtNetConfig {
  int64_t num_classes = 1000;
  int64_t in_chans = 3;
  int64_t img_size = 224;  // pixels; fixes the tables of relative positions
  std::vector<int64_t> embed_dim = {64, 128, 256, 512};        // channels per stage
  std::vector<int64_t> depths = {3, 4, 6, 3};                  // blocks per stage
  std::vector<std::string> block_type = {"C", "C", "T", "T"};  // MBConv or Transformer
  std::vector<int64_t> stem_width = {32, 64};                  // of the stem's two convolutions
  int64_t stem_stride = 2;
  int64_t dim_head = 32;  // channels per attention head
  double expand_ratio = 4.0;
  bool conv_output_bias = true;              // bias of MBConv's shortcut and last convolution
  bool conv_pre_norm_act = false;            // activation after MBConv's first norm
  bool conv_attn_early = false;              // squeeze-and-excitation before MBConv's last norm
  std::string conv_attn_act_layer = "silu";  // silu or relu, inside squeeze-and-excitation
  bool shortcut_bias = true;                 // bias of the Transformer block's strided shortcut
  double drop_rate = 0;
  double attn_drop_rate = 0;
  double proj_drop_rate = 0;
  double drop_path_rate = 0;
  void visit(FieldVisitor& v);
};

// What both kinds of block have in common: [B,C,H,W] -> [B,C',H/stride,W/stride].
class CoAtNetBlockImpl : public torch::nn::Module {
 public:
  virtual torch::Tensor forward(const torch::Tensor& x) = 0;
};
TORCH_MODULE(CoAtNetBlock);

// One learned number per head and relative position inside a square window. Keys:
// relative_position_bias_table [(2s-1)^2,h].
class RelPosBiasImpl : public torch::nn::Module {
 public:
  RelPosBiasImpl(int64_t side, int64_t num_heads);
  torch::Tensor forward() const;  // [1,h,N,N] with N = side * side
  // A table of another window made to fit this one, as timm's resize_rel_pos_bias_table does.
  static torch::Tensor resize(const torch::Tensor& table, int64_t side);

  torch::Tensor relative_position_bias_table;

 private:
  int64_t side_, num_heads_;
};
TORCH_MODULE(RelPosBias);

class CoAtNet : public Model {
 public:
  explicit CoAtNet(const CoAtNetConfig& config);
  // x must have img_size pixels a side. [B,C,H,W] -> [B,D,h,w]
  torch::Tensor forward_features(const torch::Tensor& x) override;
  torch::Tensor forward_head(const torch::Tensor& features, bool pre_logits) override;
  std::vector<FeatureInfo> feature_info() const override;
  void reset_classifier(int64_t num_classes) override;
  Json config() const override { return to_json(config_); }
  std::vector<std::string> classifier() const override { return {"head.fc"}; }
  std::vector<std::string> no_weight_decay() const override;
  int64_t layer_id(const std::string& parameter) const override;
  int64_t layer_count() const override { return static_cast<int64_t>(config_.depths.size()) + 2; }
  torch::Tensor fit_weight(const std::string& name, const torch::Tensor& loaded) const override;

 private:
  CoAtNetConfig config_;
  torch::nn::Conv2d stem_conv1_{nullptr}, stem_conv2_{nullptr};
  torch::nn::BatchNorm2d stem_norm1_{nullptr};
  std::vector<CoAtNetBlock> blocks_;  // of all stages, in order
  torch::nn::LayerNorm norm_{nullptr};
  std::shared_ptr<torch::nn::Module> head_;
  torch::nn::Linear fc_{nullptr};
};

void add_coatnet(Registry& table);

}  // namespace braid::models
