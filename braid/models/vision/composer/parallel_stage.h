// Two branches side by side, as in Conformer: a map in bottleneck blocks and tokens in Transformer
// blocks, which exchange features in every block.
#pragma once

#include "braid/nn/block/conformer_block.h"
#include "braid/torch.h"

namespace braid::models {

struct ParallelStageConfig {
  int64_t in_chs = 0;
  int64_t out_chs = 0;  // a multiple of 4
  int64_t stride = 1;
  int64_t depth = 1;       // blocks
  int64_t patch_size = 4;  // pixels of the strided map per token, along one side
  int64_t embed_dim = 0;   // channels of a token
  int64_t num_heads = 1;
  double mlp_ratio = 4.0;
  double attn_drop = 0;
  double proj_drop = 0;
  double drop_path = 0;
};

// The tokens are made from the map at the stage's beginning and have joined it at its end. Maps
// that patch and stride do not divide are padded, and cut at the end. Keys: patch, blocks.I.
class ParallelStageImpl : public nn::BlockImpl {
 public:
  explicit ParallelStageImpl(const ParallelStageConfig& config);
  torch::Tensor forward(const torch::Tensor& x) override;  // [B,C,H,W] -> [B,C',H/stride,W/stride]

 private:
  ParallelStageConfig config_;
  torch::nn::Conv2d patch_{nullptr};
  std::vector<nn::ConvTransBlock> blocks_;
};
TORCH_MODULE(ParallelStage);

}  // namespace braid::models
