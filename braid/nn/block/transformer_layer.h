// The layer of language Transformers: a token mixer, with a memory cross-attention, and a
// feed-forward part, each a residual branch with its norm after the sum (the original) or before.
//
// Paper: Vaswani et al., https://arxiv.org/abs/1706.03762
// Reference: BertLayer, MarianEncoderLayer, MarianDecoderLayer of Hugging Face transformers
// (Apache-2.0); the keys are the config's.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "braid/nn/attention/multi_head_attention.h"
#include "braid/nn/basic/activation.h"
#include "braid/nn/basic/any_layer.h"
#include "braid/torch.h"

namespace braid::nn {

// Names of the layer's parts; a dot stands for a module between. Those inside the attentions are
// below `mixer` and `cross`; an empty `mixer`: its modules are the layer's own.
struct TransformerLayerKeys {
  std::string mixer = "self_attn", mixer_norm = "self_attn_layer_norm";
  AttentionKeys attention = {};
  std::string cross = "encoder_attn", cross_norm = "encoder_attn_layer_norm";
  std::string fc1 = "fc1", fc2 = "fc2", mlp_norm = "final_layer_norm";
};

struct TransformerLayerConfig {
  int64_t dim = 0;  // channels
  int64_t num_heads = 8;
  int64_t mlp_dim = 0;  // hidden channels of the feed-forward part
  Act act = Act::kGelu;
  int64_t mlp_groups = 1;  // of the channels of fc1 and fc2, GroupedLinear
  bool gated_mlp = false;  // SwiGLU and its relatives: act(x W1a) * (x W1b), fc1 makes both
  bool pre_norm = false;
  bool cross = false;  // has cross-attention
  double norm_eps = 1e-5;
  double drop = 0;       // dropout of each branch
  double attn_drop = 0;  // of the attention weights
  double act_drop = 0;   // after the activation
  double drop_path = 0;
  TransformerLayerKeys keys = {};
};

struct TransformerLayerArgs {
  TokenMixerArgs mixer = {};                 // memory and cache as self-attention has them
  std::optional<TokenMixerArgs> cross = {};  // with its memory; of layers that have cross-attention
};

class TransformerLayerImpl : public torch::nn::Module {
 public:
  // mixer: what lets the tokens see each other; null: multi-head attention.
  explicit TransformerLayerImpl(const TransformerLayerConfig& config,
                                std::shared_ptr<TokenMixerImpl> mixer = nullptr);
  // [B,N,D] -> [B,N,D].
  torch::Tensor forward(const torch::Tensor& x, const TransformerLayerArgs& args = {});
  void train(bool on = true) override;

 private:
  torch::Tensor hidden(const torch::Tensor& x);  // of the feed-forward part, after the activation
  torch::Tensor mlp(const torch::Tensor& x);
  template <class Function>
  torch::Tensor branch(const torch::Tensor& x, torch::nn::LayerNorm& norm, const Function& layer);

  TransformerLayerConfig config_;
  std::shared_ptr<TokenMixerImpl> mixer_, cross_;
  AnyLayer fc1_, fc2_;
  torch::nn::LayerNorm mixer_norm_{nullptr}, cross_norm_{nullptr}, mlp_norm_{nullptr};
};
TORCH_MODULE(TransformerLayer);

}  // namespace braid::nn
