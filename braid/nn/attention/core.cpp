#include "braid/nn/attention/core.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "braid/core/cpu.h"
#include "braid/core/error.h"
#include "braid/nn/basic/dropout.h"
#include "braid/ops/short_attention.h"
#include "braid/runtime/autocast.h"

namespace braid::nn {
namespace {

using torch::Tensor;

// What an implementation of attention is given: masks are part of the bias here.
struct Products {
  Tensor bias;  // or undefined
  bool causal;  // as many queries as keys, no bias
  std::optional<double> scale;
  double dropout;
  std::optional<AttentionImplementation> implementation;
};

AttentionSituation situation_of(const Tensor& q, const Tensor& k, const Tensor& v,
                                const Products& how) {
  const bool needed = q.requires_grad() || k.requires_grad() || v.requires_grad() ||
                      (how.bias.defined() && how.bias.requires_grad());
  return {.device = q.device().type(),
          .dtype = runtime::type_of_products(q),
          .gradient = needed && at::GradMode::is_enabled(),
          .native_bf16 = cpu_has_bf16_matrix(),
          .scores = q.size(0) * q.size(1) * q.size(2) * k.size(2),
          .tokens = std::max(q.size(2), k.size(2)),
          .chans = std::max(q.size(3), v.size(3)),
          .plain = !how.causal && how.dropout == 0};
}

double scale_of(const std::optional<double>& scale, int64_t chans) {
  return scale.value_or(1 / std::sqrt(static_cast<double>(chans)));
}

// Scores and weights stay in the type of the products, the softmax computes in float32 inside;
// autocast would make float32 of both.
Tensor attend_composed(const Tensor& q, const Tensor& k, const Tensor& v, const Products& how) {
  const auto type = runtime::type_of_products(q);
  const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
  const double scale = scale_of(how.scale, q.size(3));
  auto scores = at::matmul(q.to(type) * scale, k.to(type).transpose(2, 3));  // [B,h,N,M]
  if (how.bias.defined()) scores = scores + how.bias.to(type);
  if (how.causal) {
    const auto future =
        torch::ones({q.size(2), k.size(2)}, q.options().dtype(torch::kBool)).triu(1);
    scores = scores.masked_fill(future, -INFINITY);
  }
  const auto weights = nn::dropout(scores.softmax(-1), how.dropout, how.dropout > 0);
  return at::matmul(weights, v.to(type));
}

Tensor attend_short(const Tensor& q, const Tensor& k, const Tensor& v, const Products& how) {
  const auto type = runtime::type_of_products(q);
  const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
  const Tensor of_type[] = {q.to(type), k.to(type), v.to(type)};
  if (how.causal || how.dropout > 0 ||
      !ops::is_short_attention_fused(of_type[0], of_type[1], of_type[2], how.bias))
    return attend_composed(q, k, v, how);
  return ops::short_attention(of_type[0], of_type[1], of_type[2], how.bias,
                              scale_of(how.scale, q.size(3)));
}

Tensor attend_unmasked(const Tensor& q, const Tensor& k, const Tensor& v, const Products& how) {
  const auto implementation =
      how.implementation.value_or(choose_implementation(situation_of(q, k, v, how)));
  if (implementation == AttentionImplementation::kComposed) return attend_composed(q, k, v, how);
  if (implementation == AttentionImplementation::kShort) return attend_short(q, k, v, how);
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

AttentionImplementation choose_implementation(const AttentionSituation& s) {
  constexpr int64_t kMostScoreBytes = 256 << 20, kBytes = 2;
  const bool is_short = s.plain && s.tokens > 0 && s.tokens <= ops::kMostShortTokens &&
                        s.chans <= ops::kMostShortChannels;
  if (is_short && s.gradient && s.device == torch::kCPU &&
      (s.dtype == torch::kFloat || s.dtype == torch::kBFloat16))
    return AttentionImplementation::kShort;
  const bool slow_kernel = s.device == torch::kCPU && s.dtype == torch::kBFloat16 && s.gradient;
  return slow_kernel && s.native_bf16 && s.scores <= kMostScoreBytes / kBytes
             ? AttentionImplementation::kComposed
             : AttentionImplementation::kKernel;
}

Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionArgs& args) {
  if (args.causal && q.size(2) > k.size(2))
    throw InternalError("attention",
                        fmt::format("expected at most as many queries as keys under a causal mask, "
                                    "got {} and {}",
                                    q.size(2), k.size(2)));
  const auto bias = args.bias.defined() ? args.bias.to(q.scalar_type()) : Tensor();
  Products how{bias, false, args.scale, args.dropout, args.implementation};
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

Tensor attend_joint(const Tensor& x, int64_t heads, const AttentionArgs& args, QkvOrder order) {
  const int64_t d = x.size(2) / (3 * heads);
  const bool needed = x.requires_grad() || (args.bias.defined() && args.bias.requires_grad());
  const AttentionSituation situation{
      .device = x.device().type(),
      .dtype = runtime::type_of_products(x),
      .gradient = needed && at::GradMode::is_enabled(),
      .native_bf16 = cpu_has_bf16_matrix(),
      .scores = x.size(0) * heads * x.size(1) * x.size(1),
      .tokens = x.size(1),
      .chans = d,
      .plain = !args.causal && args.dropout == 0 && !args.key_padding.defined()};
  const bool is_plain_short = situation.plain && x.is_contiguous() &&
                              args.implementation.value_or(choose_implementation(situation)) ==
                                  AttentionImplementation::kShort;
  if (!is_plain_short) {
    const auto [q, k, v] = split_qkv(x, heads, order);
    return merge_heads(attend(q, k, v, args));
  }
  const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
  const bool by_part = order == QkvOrder::kPartsFirst;
  const ops::JointHeads how{
      .heads = heads, .part = by_part ? heads * d : d, .head = by_part ? d : 3 * d};
  return merge_heads(
      ops::short_self_attention(x.to(situation.dtype), how, args.bias, scale_of(args.scale, d)));
}

}  // namespace braid::nn
