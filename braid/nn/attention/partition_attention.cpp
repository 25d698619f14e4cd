#include "braid/nn/attention/partition_attention.h"

#include "braid/nn/attention/window.h"
#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/init.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/conv/conv.h"

namespace braid::nn {

PartitionAttentionImpl::PartitionAttentionImpl(const PartitionAttentionConfig& config)
    : config_(config) {
  const int64_t dim = config.dim;
  norm1_ = register_module("norm1", layer_norm(dim, config.norm_eps));
  attn_ = register_module(
      "attn", RelativeAttention(RelativeAttentionConfig{.dim = dim,
                                                        .dim_out = dim,
                                                        .dim_head = config.dim_head,
                                                        .side = config.size,
                                                        .rel_pos_type = config.rel_pos_type,
                                                        .rel_pos_dim = config.rel_pos_dim,
                                                        .qkv_order = config.qkv_order,
                                                        .attn_drop = config.attn_drop,
                                                        .proj_drop = config.proj_drop}));
  norm2_ = register_module("norm2", layer_norm(dim, config.norm_eps));
  const auto hidden = static_cast<int64_t>(static_cast<double>(dim) * config.expand_ratio);
  mlp_ = register_module("mlp", Mlp(MlpConfig{.in_features = dim,
                                              .hidden_features = hidden,
                                              .act = config.act,
                                              .drop = config.proj_drop}));
  init_transformer_(*this);
}

torch::Tensor PartitionAttentionImpl::attend(const torch::Tensor& x) {
  const int64_t H = x.size(1), W = x.size(2), size = config_.size;
  const auto padded = pad_to_windows(x, size);
  const int64_t padded_h = padded.size(1), padded_w = padded.size(2);
  const auto y =
      config_.partition == Partition::kWindow
          ? window_reverse(attn_->forward(window_partition(padded, size)), size, padded_h, padded_w)
          : grid_reverse(attn_->forward(grid_partition(padded, size)), size, padded_h, padded_w);
  return y.narrow(1, 0, H).narrow(2, 0, W);
}

torch::Tensor PartitionAttentionImpl::forward(const torch::Tensor& x) {
  auto y = to_nhwc(x);  // [B,H,W,C]
  y = y + drop_path(attend(norm1_->forward(y)), config_.drop_path, is_training());
  return to_nchw(y +
                 drop_path(mlp_->forward(norm2_->forward(y)), config_.drop_path, is_training()));
}

MaxVitBlockImpl::MaxVitBlockImpl(MaxVitBlockConfig config) {
  conv_ = register_module("conv", MbConvBlock(config.conv));
  config.attention.dim = config.conv.out_chs;
  config.attention.partition = Partition::kWindow;
  attn_block_ = register_module("attn_block", PartitionAttention(config.attention));
  config.attention.partition = Partition::kGrid;
  attn_grid_ = register_module("attn_grid", PartitionAttention(config.attention));
}

torch::Tensor MaxVitBlockImpl::forward(const torch::Tensor& x) {
  return attn_grid_->forward(attn_block_->forward(conv_->forward(x)));
}

}  // namespace braid::nn
