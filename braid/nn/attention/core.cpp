#include "braid/nn/attention/core.h"

#include <fmt/format.h>

#include <cmath>

#include "braid/core/error.h"

namespace braid::nn {
namespace {

using torch::Tensor;

// What an implementation of attention is given: masks are part of the bias here.
struct Products {
  Tensor bias;  // or undefined
  bool causal;  // as many queries as keys, no bias
  std::optional<double> scale;
  double dropout;
};

// Where the shape may choose an implementation.
Tensor attend_unmasked(const Tensor& q, const Tensor& k, const Tensor& v, const Products& how) {
  const auto bias = how.bias.defined() ? std::optional<Tensor>(how.bias) : std::nullopt;
  return at::scaled_dot_product_attention(q, k, v, bias, how.dropout, how.causal, how.scale);
}

// Which keys a query may see: broadcast to [B,h,N,M], bool; undefined: all.
Tensor visible_keys(const Tensor& q, const Tensor& k, const AttentionArgs& args) {
  const int64_t N = q.size(2), M = k.size(2);
  Tensor visible;
  if (args.key_padding.defined())
    visible = args.key_padding.to(torch::kBool).view({-1, 1, 1, M});  // [B,1,1,M]
  if (!args.causal || N == 1) return visible;  // the last position sees all before it
  const auto past = torch::ones({N, M}, q.options().dtype(torch::kBool)).tril(M - N);
  return visible.defined() ? visible.logical_and(past) : past;
}

}  // namespace

Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionArgs& args) {
  if (args.causal && q.size(2) > k.size(2))
    throw InternalError("attention",
                        fmt::format("expected at most as many queries as keys under a causal mask, "
                                    "got {} and {}",
                                    q.size(2), k.size(2)));
  const auto bias = args.bias.defined() ? args.bias.to(q.scalar_type()) : Tensor();
  Products how{bias, false, args.scale, args.dropout};
  const bool only_causal = !args.bias.defined() && !args.key_padding.defined();
  if (args.causal && only_causal && q.size(2) == k.size(2)) {
    how.causal = true;
    return attend_unmasked(q, k, v, how);
  }
  auto visible = visible_keys(q, k, args);
  if (!visible.defined()) return attend_unmasked(q, k, v, how);

  // A softmax over nothing is no number: such a query sees all keys, and its result is dropped.
  Tensor blind;
  if (args.key_padding.defined()) {
    blind = visible.any(-1, /*keepdim=*/true).logical_not();
    visible = visible.logical_or(blind);
  }
  const auto open = bias.defined() ? bias : torch::zeros({}, q.options());
  how.bias = open.masked_fill(visible.logical_not(), -INFINITY);
  const auto y = attend_unmasked(q, k, v, how);
  return blind.defined() ? y.masked_fill(blind, 0) : y;
}

std::array<Tensor, 3> split_qkv(const Tensor& x, int64_t heads, QkvOrder order) {
  const int64_t B = x.size(0), N = x.size(1), d = x.size(2) / (3 * heads);
  if (order == QkvOrder::kHeadsFirst) return split_by_head<3>(x, heads, {d, d, d});
  const auto parts = x.view({B, N, 3, heads, d}).permute({2, 0, 3, 1, 4}).unbind(0);
  return {parts[0], parts[1], parts[2]};
}

std::array<Tensor, 2> split_kv(const Tensor& x, int64_t heads) {
  const int64_t B = x.size(0), M = x.size(1), d = x.size(2) / (2 * heads);
  const auto parts = x.view({B, M, 2, heads, d}).permute({2, 0, 3, 1, 4}).unbind(0);
  return {parts[0], parts[1]};
}

Tensor split_heads(const Tensor& x, int64_t heads) {
  return x.reshape({x.size(0), x.size(1), heads, x.size(2) / heads}).transpose(1, 2);
}

Tensor merge_heads(const Tensor& y) { return y.transpose(1, 2).flatten(2); }

}  // namespace braid::nn
