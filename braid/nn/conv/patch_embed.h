// Patches that overlap: a strided convolution, then layer norm; at the head of a pyramid's stages.
//
// Reference: timm's OverlapPatchEmbed (pvt_v2.py, Apache-2.0), Hugging Face's CvtConvEmbeddings.
#pragma once
#include "braid/torch.h"

namespace braid::nn {

struct OverlapPatchEmbedConfig {
  int64_t in_chs = 3;
  int64_t embed_dim = 64;
  int64_t patch_size = 7;  // the kernel, pixels along one side
  int64_t stride = 4;
  int64_t padding = 3;
  double norm_eps = 1e-5;
  const char* proj_key = "proj";
  const char* norm_key = "norm";
};

// [B,C,H,W] -> [B,H',W',D], H' = (H + 2 padding - patch_size) / stride + 1. Initialized as conv2d()
// does it. Keys: as the config names them.
class OverlapPatchEmbedImpl : public torch::nn::Module {
 public:
  explicit OverlapPatchEmbedImpl(const OverlapPatchEmbedConfig& config);
  torch::Tensor forward(const torch::Tensor& x);

  torch::nn::Conv2d proj{nullptr};
  torch::nn::LayerNorm norm{nullptr};
};
TORCH_MODULE(OverlapPatchEmbed);

}  // namespace braid::nn
