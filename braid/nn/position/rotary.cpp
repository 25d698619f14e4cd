#include "braid/nn/position/rotary.h"

#include <cmath>
#include <numbers>

#include "braid/nn/basic/init.h"

namespace braid::nn {
namespace {

using torch::Tensor;

// Angles per unit of a coordinate, [count]; float32 whatever the model's type, as in timm.
Tensor frequencies(int64_t count, const RotaryConfig& config) {
  if (!config.in_pixels)
    return torch::pow(config.temperature, -torch::arange(count).to(torch::kFloat) / count);
  const auto highest = static_cast<double>(config.max_res);
  const auto bands = config.linear_bands
                         ? torch::linspace(1.0, highest / 2, count)
                         : torch::pow(2.0, torch::linspace(0.0, std::log2(highest) - 1, count));
  return bands * std::numbers::pi;
}

Tensor coordinates(int64_t side, const RotaryConfig& config) {  // [side]
  auto t =
      config.in_pixels ? torch::linspace(-1.0, 1.0, side) : torch::arange(side).to(torch::kFloat);
  if (config.ref_side) t = t / static_cast<double>(side) * static_cast<double>(*config.ref_side);
  return t;
}

// The partner that each channel turns with, negated for the first of a pair.
Tensor partners(const Tensor& x, bool rotate_half) {
  if (rotate_half) {
    const auto halves = x.chunk(2, -1);
    return torch::cat({-halves[1], halves[0]}, -1);
  }
  const auto pairs = x.unflatten(-1, {-1, 2});  // [...,dim/2,2]
  return torch::stack({-pairs.select(-1, 1), pairs.select(-1, 0)}, -1).flatten(-2);
}

}  // namespace

Tensor rotary_embedding(int64_t dim, int64_t height, int64_t width, const RotaryConfig& config,
                        const torch::TensorOptions& options) {
  const int64_t count = dim / 4;
  const auto bands = frequencies(count, config);
  const auto rows = (coordinates(height, config).unsqueeze(1) * bands).unsqueeze(1);    // [H,1,c]
  const auto columns = (coordinates(width, config).unsqueeze(1) * bands).unsqueeze(0);  // [1,W,c]
  // The sines of rows and columns are few: they are spread over the grid afterwards.
  const auto spread = [&](const Tensor& row, const Tensor& column) {
    const auto both =
        torch::cat({row.expand({height, width, count}), column.expand({height, width, count})}, -1);
    return config.rotate_half ? torch::cat({both, both}, -1) : both.repeat_interleave(2, -1);
  };
  return torch::cat({spread(rows.sin(), columns.sin()), spread(rows.cos(), columns.cos())}, -1)
      .flatten(0, 1)
      .to(options);
}

Tensor apply_rotary(const Tensor& x, const Tensor& embedding, bool rotate_half) {
  const auto parts = embedding.chunk(2, -1);
  return (x * parts[1] + partners(x, rotate_half) * parts[0]).to(x.dtype());
}

RotaryAttentionImpl::RotaryAttentionImpl(const RotaryAttentionConfig& config) : config_(config) {
  const int64_t D = config.dim;
  qkv = register_module("qkv", torch::nn::Linear(D, 3 * D));
  proj = register_module("proj", torch::nn::Linear(D, D));
  init_linear_(qkv);
  init_linear_(proj);
}

Tensor RotaryAttentionImpl::forward(const Tensor& x, const Tensor& embedding) {
  const int64_t B = x.size(0), N = x.size(1), D = x.size(2), h = config_.num_heads;
  const auto parts = qkv->forward(x)
                         .view({B, N, 3, h, D / h})
                         .permute({2, 0, 3, 1, 4})
                         .unbind(0);  // 3 x [B,h,N,d]
  constexpr bool kRotateHalf = false;
  auto y = at::scaled_dot_product_attention(
      apply_rotary(parts[0], embedding, kRotateHalf),
      apply_rotary(parts[1], embedding, kRotateHalf), parts[2],
      /*attn_mask=*/{}, is_training() ? config_.attn_drop : 0.0);  // [B,h,N,d]
  y = proj->forward(y.transpose(1, 2).reshape({B, N, D}));
  return torch::dropout(y, config_.proj_drop, is_training());
}

}  // namespace braid::nn
