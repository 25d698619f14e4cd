#include "braid/nn/attention/partition_attention.h"

#include "braid/nn/attention/window.h"
#include "braid/nn/basic/pad.h"

namespace braid::nn {
namespace {

SelfAttentionConfig inside(SelfAttentionConfig config, int64_t size) {
  config.position.grid_size = size;
  return config;
}

}  // namespace

PartitionAttentionImpl::PartitionAttentionImpl(SelfAttentionConfig config, Partition partition,
                                               int64_t size)
    : SelfAttentionImpl(inside(config, size)), partition_(partition), size_(size) {}

torch::Tensor PartitionAttentionImpl::forward(const torch::Tensor& x, const torch::Tensor& bias) {
  const auto padded = pad_to_multiple(x, size_, MapLayout::kNhwc);
  const int64_t H = padded.size(1), W = padded.size(2);
  const auto attend_inside = [&](const torch::Tensor& tokens) {  // [B*n,size*size,C]
    return SelfAttentionImpl::forward(tokens, {.bias = bias});
  };
  const auto y = partition_ == Partition::kWindow
                     ? window_reverse(attend_inside(window_partition(padded, size_)), size_, H, W)
                     : grid_reverse(attend_inside(grid_partition(padded, size_)), size_, H, W);
  return y.narrow(1, 0, x.size(1)).narrow(2, 0, x.size(2));
}

}  // namespace braid::nn
