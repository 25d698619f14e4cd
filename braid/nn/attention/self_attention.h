// Multi-head self-attention with a joint query-key-value projection: timm's Attention of ViT and,
// with a bias for relative positions, its Attention2d and AttentionCl.
#pragma once

#include <memory>

#include "braid/nn/attention/core.h"
#include "braid/nn/basic/pointwise.h"
#include "braid/nn/position/position_bias.h"
#include "braid/torch.h"

namespace braid::nn {

enum class ProjectionInit {
  kTruncNormal,  // trunc_normal_(0.02) after PyTorch's draw of linear layers; biases zero
  kXavier        // Xavier uniform; biases zero
};

struct SelfAttentionConfig {
  int64_t dim = 0;      // channels in, a multiple of num_heads
  int64_t dim_out = 0;  // channels out, 0: dim
  int64_t num_heads = 8;
  int64_t key_dim = 0;    // channels of a head's queries and keys, 0: dim / num_heads
  int64_t value_dim = 0;  // channels of a head's values, 0: key_dim; another one: kHeadsFirst
  bool qkv_bias = false;
  bool proj_bias = true;
  QkvOrder qkv_order = QkvOrder::kPartsFirst;
  WeightLayout layout = WeightLayout::kLinear;
  ProjectionInit init = ProjectionInit::kTruncNormal;
  PositionBiasConfig position = {};
  double attn_drop = 0;  // dropout of the attention weights
  double proj_drop = 0;  // dropout of the output
};

// What one call knows besides the tokens.
struct SelfAttentionArgs {
  torch::Tensor bias = {};         // added to the products beside that of the positions, [n,1 or
                                   // h,N,N]; element b of a batch has that of b % n
  torch::Tensor rotary = {};       // rotary_embedding's [N,2d], which turns queries and keys
  torch::Tensor key_padding = {};  // [B,N] bool, true: a token, false: padding
  bool causal = false;             // a token sees itself and those before it
};

// softmax(Q K^T / sqrt(d) + bias) V per head, then a projection. Keys: qkv, proj and those of the
// position's bias.
class SelfAttentionImpl : public torch::nn::Module {
 public:
  explicit SelfAttentionImpl(const SelfAttentionConfig& config);
  // Tokens [B,N,D] or a channels-last map of them [B,H,W,D] -> the same with D' channels.
  torch::Tensor forward(const torch::Tensor& x, const SelfAttentionArgs& args = {});

  Pointwise qkv{nullptr}, proj{nullptr};

 private:
  Pointwise make_projection(int64_t in, int64_t out, bool bias) const;
  void make_position();
  torch::Tensor bias(int64_t batch, const torch::Tensor& of_call);
  // Of the joint projection, after queries and keys are turned where `rotary` is defined.
  torch::Tensor attend_turned(const torch::Tensor& joint, const torch::Tensor& rotary,
                              const AttentionArgs& how) const;
  SelfAttentionConfig config_;
  std::shared_ptr<PositionBiasImpl> position_;
};
TORCH_MODULE(SelfAttention);

}  // namespace braid::nn
