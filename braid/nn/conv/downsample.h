// A shortcut that follows a strided block, timm's Downsample2d with pool type "avg2".
#pragma once

#include "braid/nn/conv/same_padding.h"
#include "braid/torch.h"

namespace braid::nn {

// Halves [B,C,H,W] by averaging 2x2 pixels; odd sizes are rounded up: the last window averages what
// there is, and with Padding::kSame zeros too.
torch::Tensor halve(const torch::Tensor& x, Padding padding = Padding::kSymmetric);
inline int64_t halved(int64_t side) { return (side + 1) / 2; }

struct Downsample2dConfig {
  int64_t dim = 0;      // channels in
  int64_t dim_out = 0;  // channels out
  int64_t stride = 2;   // 1 or 2
  Padding padding = Padding::kSymmetric;
  bool bias = true;  // of the projection
};

// Average pooling (stride 2), then a 1x1 projection where channels change. Keys: (expand).
class Downsample2dImpl : public torch::nn::Module {
 public:
  explicit Downsample2dImpl(const Downsample2dConfig& config);
  torch::Tensor forward(const torch::Tensor& x);  // [B,C,H,W] -> [B,C',H/stride,W/stride]

  torch::nn::Conv2d expand{nullptr};

 private:
  Downsample2dConfig config_;
};
TORCH_MODULE(Downsample2d);

}  // namespace braid::nn
