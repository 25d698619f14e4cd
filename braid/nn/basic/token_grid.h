// Tokens as feature maps and back.
#pragma once
#include "braid/nn/conv/conv.h"
#include "braid/torch.h"

namespace braid::nn {

// The tokens behind the first `prefix` ones as a map of `height` rows: [B,prefix+h*w,D] ->
// [B,D,h,w], a view, channels-last in memory.
inline torch::Tensor tokens_to_map(const torch::Tensor& tokens, int64_t prefix, int64_t height) {
  const int64_t B = tokens.size(0), N = tokens.size(1) - prefix, D = tokens.size(2);
  return to_nchw(tokens.narrow(1, prefix, N).reshape({B, height, N / height, D}));
}

// [B,D,h,w] -> [B,h*w,D]; a view when the map is channels-last.
inline torch::Tensor map_to_tokens(const torch::Tensor& map) { return to_nhwc(map).flatten(1, 2); }

}  // namespace braid::nn
