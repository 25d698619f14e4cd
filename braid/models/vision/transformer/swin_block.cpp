#include "braid/models/vision/transformer/swin_block.h"

#include <algorithm>

#include "braid/nn/attention/window.h"
#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/init.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/conv/conv.h"
#include "braid/nn/position/relative_position.h"

namespace braid::nn {
namespace {

constexpr double kEps = 1e-5;

// Positions of one axis by region: 0, 1 or 2, cut at a window and at a shift before the end.
torch::Tensor regions(int64_t side, int64_t window, int64_t shift,
                      const torch::TensorOptions& options) {
  const auto position = torch::arange(side, options.dtype(torch::kLong));
  return position.ge(side - window).to(torch::kLong) + position.ge(side - shift).to(torch::kLong);
}

}  // namespace

torch::Tensor shifted_window_mask(int64_t H, int64_t W, int64_t window, int64_t shift,
                                  const torch::TensorOptions& options) {
  const auto rows = regions(H, window, shift, options),
             columns = regions(W, window, shift, options);
  const auto region = 3 * rows.unsqueeze(1) + columns;                              // [H,W]
  const auto ids = window_partition(region.view({1, H, W, 1}), window).squeeze(2);  // [n,N]
  return ids.unsqueeze(1).ne(ids.unsqueeze(2)).to(options.dtype()) * -100;
}

WindowAttentionImpl::WindowAttentionImpl(const SwinBlockConfig& config, int64_t window)
    : window_(window),
      num_heads_(config.num_heads),
      attn_drop_(config.attn_drop),
      proj_drop_(config.proj_drop) {
  const int64_t extent = 2 * window - 1, dim = config.dim;
  relative_position_bias_table = register_parameter(
      "relative_position_bias_table", torch::empty({extent * extent, config.num_heads}));
  trunc_normal_(relative_position_bias_table, 0.02);
  qkv = register_module(
      "qkv", torch::nn::Linear(torch::nn::LinearOptions(dim, 3 * dim).bias(config.qkv_bias)));
  proj = register_module("proj", torch::nn::Linear(dim, dim));
  init_linear_(qkv);
  init_linear_(proj);
}

torch::Tensor WindowAttentionImpl::forward(const torch::Tensor& x, const torch::Tensor& mask) {
  const int64_t windows = x.size(0), N = x.size(1), C = x.size(2), h = num_heads_;
  const auto parts = qkv->forward(x)
                         .view({windows, N, 3, h, C / h})
                         .permute({2, 0, 3, 1, 4})
                         .unbind(0);                                          // 3 x [B*n,h,N,d]
  auto bias = relative_position_bias(relative_position_bias_table, window_);  // [1,h,N,N]
  if (mask.defined()) {
    const int64_t n = mask.size(0);
    bias = (bias + mask.unsqueeze(1)).expand({windows / n, n, h, N, N}).reshape({windows, h, N, N});
  }
  auto y = at::scaled_dot_product_attention(parts[0], parts[1], parts[2], bias,
                                            is_training() ? attn_drop_ : 0.0);  // [B*n,h,N,d]
  y = proj->forward(y.transpose(1, 2).reshape({windows, N, C}));
  return torch::dropout(y, proj_drop_, is_training());
}

SwinBlockImpl::SwinBlockImpl(const SwinBlockConfig& config)
    : window_(std::min(config.side, config.window_size)),
      shift_(config.side > config.window_size ? config.shift_size : 0),
      drop_path_(config.drop_path) {
  const int64_t dim = config.dim;
  norm1_ = register_module("norm1", layer_norm(dim, kEps));
  attn_ = register_module("attn", WindowAttention(config, window_));
  norm2_ = register_module("norm2", layer_norm(dim, kEps));
  const auto hidden = static_cast<int64_t>(static_cast<double>(dim) * config.mlp_ratio);
  mlp_ = register_module(
      "mlp",
      Mlp(MlpConfig{.in_features = dim, .hidden_features = hidden, .drop = config.proj_drop}));
}

torch::Tensor SwinBlockImpl::attend(const torch::Tensor& x) {
  const int64_t H = x.size(1), W = x.size(2);
  const auto rolled = shift_ > 0 ? x.roll({-shift_, -shift_}, {1, 2}) : x;
  const auto padded = pad_to_windows(rolled, window_);
  const int64_t padded_h = padded.size(1), padded_w = padded.size(2);
  const auto mask = shift_ > 0
                        ? shifted_window_mask(padded_h, padded_w, window_, shift_, x.options())
                        : torch::Tensor();
  const auto windows = attn_->forward(window_partition(padded, window_), mask);
  const auto y =
      window_reverse(windows, window_, padded_h, padded_w).narrow(1, 0, H).narrow(2, 0, W);
  return shift_ > 0 ? y.roll({shift_, shift_}, {1, 2}) : y;
}

torch::Tensor SwinBlockImpl::forward(const torch::Tensor& x) {
  auto y = to_nhwc(x);  // [B,H,W,C]
  y = y + drop_path(attend(norm1_->forward(y)), drop_path_, is_training());
  return to_nchw(y + drop_path(mlp_->forward(norm2_->forward(y)), drop_path_, is_training()));
}

}  // namespace braid::nn
