// What the blocks of a stage have in common.
#pragma once
#include "braid/torch.h"

namespace braid::nn {

class MapBlockImpl : public torch::nn::Module {
 public:
  virtual torch::Tensor forward(const torch::Tensor& x) = 0;  // [B,C,H,W] -> [B,C',H',W']
};
TORCH_MODULE(MapBlock);

}  // namespace braid::nn
