// Feature maps made to fit patches and windows.
#pragma once
#include "braid/torch.h"

namespace braid::nn {

enum class MapLayout { kNchw, kNhwc };  // [B,C,H,W] or [B,H,W,C]

// Pads a map at bottom and right with zeros, so that `size` divides height and width (timm's
// dynamic_img_pad). x itself where it does.
inline torch::Tensor pad_to_multiple(const torch::Tensor& x, int64_t size,
                                     MapLayout layout = MapLayout::kNchw) {
  const int64_t height = layout == MapLayout::kNchw ? 2 : 1;
  const int64_t bottom = (size - x.size(height) % size) % size;
  const int64_t right = (size - x.size(height + 1) % size) % size;
  if (bottom == 0 && right == 0) return x;
  if (layout == MapLayout::kNchw) return torch::constant_pad_nd(x, {0, right, 0, bottom}, 0);
  return torch::constant_pad_nd(x, {0, 0, 0, right, 0, bottom}, 0);
}

}  // namespace braid::nn
