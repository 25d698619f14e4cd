// Convolutions whose two directions are alike.
#pragma once
#include <optional>

#include "braid/torch.h"

namespace braid::nn {

struct SquareConv {
  int64_t kernel = 1, stride = 1, padding = 0, groups = 1;
};

// None for a layer whose kernel, stride or padding differs from side to side, that is dilated, or
// that pads with anything but zeros.
std::optional<SquareConv> as_square(const torch::nn::Conv2dImpl& layer);

}  // namespace braid::nn
