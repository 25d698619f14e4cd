#include "braid/nn/basic/block_list.h"

#include "braid/runtime/grad_checkpoint.h"

namespace braid::nn {

void BlockListImpl::push_back(const std::shared_ptr<BlockImpl>& block) {
  const auto number = first_ + static_cast<int64_t>(blocks_.size());
  blocks_.push_back(register_module(prefix_ + std::to_string(number), block));
}

torch::Tensor BlockListImpl::forward(torch::Tensor x, bool checkpointing) {
  for (const auto& block : blocks_) x = runtime::maybe_checkpoint(checkpointing, block, x);
  return x;
}

}  // namespace braid::nn
