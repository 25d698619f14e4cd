// MaxViT: in every block MBConv, attention in windows, attention in grids.
//
// Paper: Tu et al., https://arxiv.org/abs/2204.01697
// Reference: timm's maxxvit.py (Apache-2.0), its `tf` variants, which load the authors' weights,
// and `rw` variants; same keys and shapes. Differences: any img_size works. Halving rounds odd
// sizes up in the `rw` variants too; maps that the window does not divide are padded with zeros for
// the attention, as Swin does it; windows have at least one position (timm refuses images below 32
// pixels). The bias of relative positions is read by windows instead of by an index buffer or
// one-hot products.
#pragma once
#include "braid/models/registry.h"
#include "braid/models/vision/hybrid/maxxvit.h"
#include "braid/nn/block/mbconv_block.h"
#include "braid/nn/block/partition_block.h"

namespace braid::models {

struct MaxVitConfig {
  int64_t num_classes = 1000;
  int64_t in_chans = 3;
  int64_t img_size = 224;                                // pixels
  std::vector<int64_t> embed_dim = {64, 128, 256, 512};  // channels per stage
  std::vector<int64_t> depths = {2, 2, 5, 2};            // blocks per stage
  std::vector<int64_t> stem_width = {64, 64};            // of the stem's two convolutions
  bool stem_bias = false;
  int64_t head_hidden_size = 0;  // of a layer before the classifier, 0: none
  int64_t partition_ratio = 32;  // windows and grids have img_size / partition_ratio a side
  int64_t dim_head = 32;         // channels per attention head
  double expand_ratio = 4.0;
  bool head_first = true;               // heads before query, key, value in the joint projection
  std::string rel_pos_type = "bias";    // bias, bias_tf or mlp, of relative positions
  int64_t rel_pos_dim = 512;            // hidden channels of rel_pos_type mlp
  std::string act_layer = "gelu";       // of the feed-forward parts
  double norm_eps = 1e-6;               // of layer norms
  bool conv_expand_output = false;      // MBConv's hidden channels are counted from its output
  bool conv_output_bias = false;        // bias of MBConv's shortcut and last convolution
  double conv_attn_ratio = 0.0625;      // channels inside squeeze-and-excitation
  std::string conv_padding{};           // empty, symmetric, or same, as TensorFlow pads
  std::string conv_act_layer = "silu";  // of stem and MBConv
  double conv_norm_eps = 1e-5;          // of batch norms
  double drop_rate = 0;
  double attn_drop_rate = 0;
  double proj_drop_rate = 0;
  double drop_path_rate = 0;
  void visit(FieldVisitor& v);
};

struct MaxVitBlockConfig {
  nn::MbConvBlockConfig conv;
  nn::PartitionBlockConfig attention;  // dim and partition are the block's business
};

// MBConv, attention in windows, attention in grids: [B,C,H,W] -> [B,C',H/stride,W/stride]. Keys:
// conv, attn_block, attn_grid.
class MaxVitBlockImpl : public nn::BlockImpl {
 public:
  explicit MaxVitBlockImpl(MaxVitBlockConfig config);
  torch::Tensor forward(const torch::Tensor& x) override;

 private:
  nn::MbConvBlock conv_{nullptr};
  nn::PartitionBlock attn_block_{nullptr}, attn_grid_{nullptr};
};
TORCH_MODULE(MaxVitBlock);

class MaxVit : public ModelOf<MaxVitConfig, MaxxVit> {
 public:
  explicit MaxVit(const MaxVitConfig& config);

 private:
  std::shared_ptr<nn::BlockImpl> make_block(const MaxxVitPlace& place) const;
};

void add_maxvit(Registry& table);

}  // namespace braid::models
