#include "braid/models/vision/transformer/swin_block.h"

#include <algorithm>

#include "braid/nn/attention/window.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/mlp/mlp.h"

namespace braid::models {
namespace {

// Positions of one axis by region: 0, 1 or 2, cut at a window and at a shift before the end.
torch::Tensor shifted_regions(int64_t extent, int64_t window, int64_t shift,
                              const torch::TensorOptions& options) {
  const auto position = torch::arange(extent, options.dtype(torch::kLong));
  return position.ge(extent - window).to(torch::kLong) +
         position.ge(extent - shift).to(torch::kLong);
}

}  // namespace

torch::Tensor shifted_window_mask(int64_t H, int64_t W, int64_t window, int64_t shift,
                                  const torch::TensorOptions& options) {
  const auto rows = shifted_regions(H, window, shift, options),
             columns = shifted_regions(W, window, shift, options);
  const auto region = 3 * rows.unsqueeze(1) + columns;                                  // [H,W]
  const auto ids = nn::window_partition(region.view({1, H, W, 1}), window).squeeze(2);  // [n,N]
  return ids.unsqueeze(1).ne(ids.unsqueeze(2)).to(options.dtype()) * -100;
}

ShiftedWindowAttentionImpl::ShiftedWindowAttentionImpl(const nn::SelfAttentionConfig& config,
                                                       int64_t window, int64_t shift)
    : PartitionAttentionImpl(config, nn::Partition::kWindow, window),
      window_(window),
      shift_(shift) {}

torch::Tensor ShiftedWindowAttentionImpl::forward(const torch::Tensor& x) {
  if (shift_ == 0) return PartitionAttentionImpl::forward(x);
  const auto whole = [this](int64_t extent) { return (extent + window_ - 1) / window_ * window_; };
  const auto mask =
      shifted_window_mask(whole(x.size(1)), whole(x.size(2)), window_, shift_, x.options());
  return PartitionAttentionImpl::forward(x.roll({-shift_, -shift_}, {1, 2}), mask.unsqueeze(1))
      .roll({shift_, shift_}, {1, 2});
}

SwinBlockImpl::SwinBlockImpl(const SwinBlockConfig& config)
    : PreNormBlockImpl({.drop_path = config.drop_path, .parts_see = nn::MapLayout::kNhwc}) {
  const int64_t dim = config.dim;
  const auto hidden = static_cast<int64_t>(static_cast<double>(dim) * config.mlp_ratio);
  const bool one_window = config.feat_size <= config.window_size;
  const nn::SelfAttentionConfig attention{.dim = dim,
                                          .num_heads = config.num_heads,
                                          .qkv_bias = config.qkv_bias,
                                          .position = {.type = nn::PositionBiasType::kRelative},
                                          .attn_drop = config.attn_drop,
                                          .proj_drop = config.proj_drop};
  add(mixer.norm, "norm1", nn::layer_norm(dim, kSwinNormEps));
  add(mixer.layer, "attn",
      ShiftedWindowAttention(attention, std::min(config.feat_size, config.window_size),
                             one_window ? 0 : config.shift_size));
  add(mlp.norm, "norm2", nn::layer_norm(dim, kSwinNormEps));
  add(mlp.layer, "mlp",
      nn::Mlp(
          nn::MlpConfig{.in_features = dim, .hidden_features = hidden, .drop = config.proj_drop}));
}

}  // namespace braid::models
