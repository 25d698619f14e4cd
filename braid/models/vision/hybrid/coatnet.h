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
#include "braid/models/registry.h"
#include "braid/models/vision/hybrid/maxxvit.h"

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
  std::string conv_stride_mode = "pool";     // pool or dw, what halves the map in MBConv
  bool conv_attn_early = false;              // squeeze-and-excitation before MBConv's last norm
  std::string conv_attn_act_layer = "silu";  // silu or relu, inside squeeze-and-excitation
  bool shortcut_bias = true;                 // bias of the Transformer block's strided shortcut
  std::string rel_pos_type = "bias";         // bias or mlp, of relative positions
  int64_t rel_pos_dim = 512;                 // hidden channels of rel_pos_type mlp
  double drop_rate = 0;
  double attn_drop_rate = 0;
  double proj_drop_rate = 0;
  double drop_path_rate = 0;
  void visit(FieldVisitor& v);
};

class CoAtNet : public ModelOf<CoAtNetConfig, MaxxVit> {
 public:
  explicit CoAtNet(const CoAtNetConfig& config);

 private:
  std::shared_ptr<nn::BlockImpl> make_block(const MaxxVitPlace& place) const;
};

void add_coatnet(Registry& table);

}  // namespace braid::models
