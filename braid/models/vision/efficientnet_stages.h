// Stages of EfficientNet and MobileNet blocks from a compact description, timm's arch_def.
//
// Reference: timm's _efficientnet_builder.py (Apache-2.0); same keys, shapes and block strings.
// Differences: a stage is one string with its blocks separated by spaces, such as
// "ir_k3_s2_e6_c80 ir_k3_s1_e2.5_c80", and its number of blocks stands beside it: the last string
// is repeated, or the last blocks are left out. Only a stage's first block may have a stride.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "braid/nn/basic/block_list.h"
#include "braid/nn/block/efficientnet_blocks.h"

namespace braid::models {

struct EfficientNetStagesConfig {
  // Per block, joined by "_": its type, then letters with numbers.
  //   cn convolution, ds depthwise separable, ir inverted residual, er edge residual,
  //   uir universal inverted residual, mqa multi-query attention
  //   c channels out, k kernel size (uir: of the middle depthwise convolution, 0: none),
  //   a kernel size of uir's first depthwise convolution, s stride, e expansion ratio,
  //   se ratio of squeeze-and-excitation, n activation (nre, nr6, nhs, nsw),
  //   mqa: h heads, d channels per head, v stride of keys and values
  std::vector<std::string> arch_def;
  std::vector<int64_t> depths;   // blocks per stage
  int64_t in_chs = 32;           // of the first block
  nn::Act act = nn::Act::kRelu;  // of blocks that name none
  nn::MobileSqueezeConfig se{};  // its ratio comes from arch_def
  bool se_from_exp = true;       // the ratio is of the hidden channels; else of the block's input
  nn::Padding padding = nn::Padding::kSymmetric;   // of ds, ir and er; others refuse it
  double norm_eps = 1e-5;                          // and of cn; likewise
  std::optional<double> layer_scale_init_value{};  // of uir and mqa; unset: none
  double drop_path_rate = 0;  // rises from 0 for the first block and would be this after the last
};

// The last map of one resolution.
struct MobileLevel {
  int64_t stage = 0;      // -1: what enters the first stage
  int64_t num_chs = 0;    // channels
  int64_t reduction = 1;  // pixels of the first stage's input per pixel, along one side
};

// Keys: STAGE.BLOCK.*.
class EfficientNetStagesImpl : public torch::nn::Module {
 public:
  // Throws ConfigError naming arch_def or depths.
  explicit EfficientNetStagesImpl(const EfficientNetStagesConfig& config);
  torch::Tensor forward(torch::Tensor x, bool checkpointing);  // [B,C,H,W] -> [B,D,h,w]

  int64_t out_chs() const { return levels_.back().num_chs; }
  const std::vector<MobileLevel>& levels() const { return levels_; }

 private:
  std::vector<nn::BlockList> stages_;
  std::vector<MobileLevel> levels_;
};
TORCH_MODULE(EfficientNetStages);

}  // namespace braid::models
