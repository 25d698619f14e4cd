// The one door to attention: softmax(scale Q K^T + bias) V per head, with masks, and what splits
// channels into heads and joins them again. Nothing else in braid calls LibTorch's attention.
#pragma once

#include <array>
#include <optional>

#include "braid/torch.h"

namespace braid::nn {

enum class AttentionImplementation {
  kKernel,    // LibTorch's scaled_dot_product_attention
  kComposed,  // two products and a softmax, whose [N,M] scores are there
  kShort      // ops/short_attention.h; composed where that does not know the tensors
};

// What the choice depends on.
struct AttentionSituation {
  torch::DeviceType device = torch::kCPU;
  torch::ScalarType dtype = torch::kFloat;  // of the products; under autocast what it makes of them
  bool gradient = false;                    // a backward pass may come
  bool native_bf16 = false;                 // the CPU multiplies bfloat16 matrices
  int64_t scores = 0;                       // B*h*N*M
  int64_t tokens = 0;                       // the larger of N and M; 0: unknown
  int64_t chans = 0;                        // the larger of d and d'
  bool plain = false;                       // neither a causal mask nor dropout
};

// The kernel, but for what is trained on a CPU: few tokens (ops/short_attention.h) without causal
// mask or dropout, and other bfloat16, where the kernel's backward pass takes longer than that of
// float32, and composed products use the processor's units for bfloat16. Forward and backward in ms
// on two cores with AMX, kernel and composed: 30.0 and 5.1 for 256 windows of 49 tokens with 2
// heads of 32 channels, 40 and 19 for 16 images of 197 tokens with 12 heads of 64, 134 and 88 for
// 512 tokens; without such units, on AVX2, 67 and 182 for the first. In float32 the two are within
// a quarter of each other. Few tokens take 1.2 to 3.4 times less than that (bench_token_ops).
// Scores of more than 256 MiB are never kept.
AttentionImplementation choose_implementation(const AttentionSituation& situation);

struct AttentionArgs {
  torch::Tensor bias = {};         // added to the products, broadcast to [B,h,N,M], in any type;
                                   // undefined: none
  torch::Tensor key_padding = {};  // [B,M] bool, true: a key, false: padding, Hugging Face's
                                   // attention_mask; undefined: all are keys
  bool causal = false;  // the N queries are the last of M positions, as with cached keys: each one
                        // sees its own position and those before it
  std::optional<double> scale = {};  // of the products; unset: 1 / sqrt(d)
  double dropout = 0;                // of the attention weights; 0 outside training
  std::optional<AttentionImplementation> implementation = {};  // unset: the fastest
};

// q: [B,h,N,d], k: [B,h,M,d], v: [B,h,M,d'] -> [B,h,N,d']. A key that is masked has no weight,
// whatever its bias; a query without any key gives zeros, and no gradient. Throws InternalError
// where a causal mask meets more queries than keys.
torch::Tensor attend(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                     const AttentionArgs& args = {});

// The order of a joint projection's channels.
enum class QkvOrder {
  kPartsFirst,  // [3,heads,d]
  kHeadsFirst   // [heads,3,d]
};
// Queries, keys and values of one joint projection: [B,N,3*h*d] -> 3 x [B,h,N,d], views.
std::array<torch::Tensor, 3> split_qkv(const torch::Tensor& x, int64_t heads,
                                       QkvOrder order = QkvOrder::kPartsFirst);
// Parts whose channels go head by head, `dims` of them per head: [B,N,h*sum(dims)] -> [B,h,N,dim].
template <size_t parts>
std::array<torch::Tensor, parts> split_by_head(const torch::Tensor& x, int64_t heads,
                                               const std::array<int64_t, parts>& dims) {
  const auto split = x.view({x.size(0), x.size(1), heads, -1})
                         .transpose(1, 2)
                         .split_with_sizes(at::IntArrayRef(dims.data(), parts), -1);
  std::array<torch::Tensor, parts> out;
  for (size_t i = 0; i < parts; ++i) out[i] = split[i];
  return out;
}
// Keys and values of one joint projection: [B,M,2*h*d] -> 2 x [B,h,M,d], views.
std::array<torch::Tensor, 2> split_kv(const torch::Tensor& x, int64_t heads);
// [B,N,h*d] -> [B,h,N,d], a view where memory allows it.
torch::Tensor split_heads(const torch::Tensor& x, int64_t heads);
// [B,h,N,d] -> [B,N,h*d].
torch::Tensor merge_heads(const torch::Tensor& y);

// attend() of a joint projection [B,N,3*h*d] -> [B,N,h*d], with fewer copies where tokens are few.
torch::Tensor attend_joint(const torch::Tensor& x, int64_t heads, const AttentionArgs& args = {},
                           QkvOrder order = QkvOrder::kPartsFirst);

}  // namespace braid::nn
