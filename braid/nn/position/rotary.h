// Rotary position embedding of a grid, timm's RotaryEmbeddingCat and apply_rot_embed_cat, and the
// attention that uses it, that of timm's EvaBlock with attn_type 'rope' (Apache-2.0).
//
// Paper: Su et al., https://arxiv.org/abs/2104.09864
#pragma once

#include <optional>

#include "braid/torch.h"

namespace braid::nn {

// One half of the channels turns with the row, the other with the column, each in dim / 4
// frequencies.
struct RotaryConfig {
  bool in_pixels = true;       // rows and columns run from -1 to 1, whatever the grid's size; else
                               // they are counted 0, 1, 2...
  int64_t max_res = 224;       // in pixels: the highest frequency is pi * max_res / 2
  bool linear_bands = false;   // in pixels: frequencies at equal differences, not equal ratios
  double temperature = 10000;  // counted: the frequencies are temperature^(-4 i / dim)
  std::optional<int64_t> ref_side = {};  // counts are rescaled to a grid of this side
  bool rotate_half = false;  // channel i turns with i + dim / 2 rather than with its neighbour
};

// dim: channels of a head, a multiple of 4. [height*width,2*dim], sines then cosines.
torch::Tensor rotary_embedding(int64_t dim, int64_t height, int64_t width,
                               const RotaryConfig& config, const torch::TensorOptions& options);
// x: [...,N,dim], turned by an embedding [N,2*dim].
torch::Tensor apply_rotary(const torch::Tensor& x, const torch::Tensor& embedding,
                           bool rotate_half);

struct RotaryAttentionConfig {
  int64_t dim = 0;  // a multiple of 4 num_heads
  int64_t num_heads = 8;
  double attn_drop = 0;
  double proj_drop = 0;
};

// Attention whose queries and keys are turned by their positions, neighbouring channels in pairs.
// Keys: qkv, proj.
class RotaryAttentionImpl : public torch::nn::Module {
 public:
  explicit RotaryAttentionImpl(const RotaryAttentionConfig& config);
  // x: tokens of a grid [B,N,D], embedding: rotary_embedding's [N,2*D/heads] -> [B,N,D].
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& embedding);

  torch::nn::Linear qkv{nullptr}, proj{nullptr};

 private:
  RotaryAttentionConfig config_;
};
TORCH_MODULE(RotaryAttention);

}  // namespace braid::nn
