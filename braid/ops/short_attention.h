// Attention over few tokens, one head at a time near the processor: no scores, no copies of heads
// in memory.
//
// Forward reads q, k and v and writes y and the weights; backward reads dy, q, k, v and the weights
// and writes dq, dk and dv. Computed in float32, whatever the type; weights are kept in q's type.
#pragma once
#include "braid/torch.h"

namespace braid::ops {

// softmax(scale q k^T + bias) v: q [B,h,N,d], k [B,h,M,d], v [B,h,M,e] -> [B,h,N,e], which lies as
// [B,N,h,e]; bias: broadcast to [B,h,N,M], or undefined. A weight of a bias of minus infinity is
// zero.
//
// Fused where is_short_attention_fused() says so: on the CPU, at most kMostShortTokens queries and
// keys, float32 or bfloat16, channels one after another. Else LibTorch's operators compute it. The
// fused gradient has no gradient of its own: asking for one throws.
torch::Tensor short_attention(const torch::Tensor& q, const torch::Tensor& k,
                              const torch::Tensor& v, const torch::Tensor& bias, double scale);
bool is_short_attention_fused(const torch::Tensor& q, const torch::Tensor& k,
                              const torch::Tensor& v, const torch::Tensor& bias);
// The same by LibTorch's operators.
torch::Tensor composed_short_attention(const torch::Tensor& q, const torch::Tensor& k,
                                       const torch::Tensor& v, const torch::Tensor& bias,
                                       double scale);

// The same where q, k and v are parts of one tensor [B,N,3*h*d], of which the gradient is one
// tensor too, without a copy: `part` numbers from queries to keys and from keys to values, `head`
// from head to head.
struct JointHeads {
  int64_t heads = 1, part = 0, head = 0;
};
torch::Tensor short_self_attention(const torch::Tensor& joint, const JointHeads& how,
                                   const torch::Tensor& bias, double scale);

constexpr int64_t kMostShortTokens = 64, kMostShortChannels = 128;

}  // namespace braid::ops
