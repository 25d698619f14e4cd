// What a network of two branches hands to its head: a feature map and one token.
#pragma once
#include "braid/torch.h"

namespace braid::models {

// The token behind the map's channels at every pixel, so that averaging over the pixels gives the
// pooled map and the token: [B,C,h,w], [B,D] -> [B,C+D,h,w].
inline torch::Tensor join_branches(const torch::Tensor& map, const torch::Tensor& token) {
  const auto spread = token.unsqueeze(-1).unsqueeze(-1);  // [B,D,1,1]
  return torch::cat({map, spread.expand({-1, -1, map.size(2), map.size(3)})}, 1);
}

}  // namespace braid::models
