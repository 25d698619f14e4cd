// Blocks one after the other.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "braid/nn/basic/block.h"

namespace braid::nn {

// Keys: prefix and a number that begins at `first`.
class BlockListImpl : public torch::nn::Module {
 public:
  explicit BlockListImpl(std::string prefix = "", int64_t first = 0)
      : prefix_(std::move(prefix)), first_(first) {}

  void push_back(const std::shared_ptr<BlockImpl>& block);
  template <class Impl>
  void push_back(const torch::nn::ModuleHolder<Impl>& block) {
    push_back(std::shared_ptr<BlockImpl>(block.ptr()));
  }
  // checkpointing: the backward pass computes each block's activations again.
  torch::Tensor forward(torch::Tensor x, bool checkpointing = false);
  size_t size() const { return blocks_.size(); }

 private:
  std::string prefix_;
  int64_t first_;
  std::vector<std::shared_ptr<BlockImpl>> blocks_;
};
TORCH_MODULE(BlockList);

}  // namespace braid::nn
