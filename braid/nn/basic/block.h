// What networks are made of.
#pragma once
#include "braid/torch.h"

namespace braid::nn {

class BlockImpl : public torch::nn::Module {
 public:
  // Of a map [B,C,H,W] or of tokens [B,N,D], as the block says.
  virtual torch::Tensor forward(const torch::Tensor& x) = 0;
};
TORCH_MODULE(Block);

}  // namespace braid::nn
