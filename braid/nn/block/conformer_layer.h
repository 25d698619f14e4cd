// The layer of the Conformer of sequences (not of the network of images of that name, see
// conformer_block.h): half a feed-forward part, attention, a convolution and another half, one
// after the other.
//
// Paper: Gulati et al., https://arxiv.org/abs/2005.08100
// Reference: Wav2Vec2ConformerEncoderLayer of Hugging Face transformers (Apache-2.0); same keys.
// Differences: padding is zero to the convolution and no part of its norm's statistics, so that a
// text's result does not depend on its batch.
#pragma once
#include <memory>

#include "braid/nn/basic/activation.h"
#include "braid/torch.h"

namespace braid::nn {

enum class ConformerPositions {
  kRelative,  // Transformer-XL's, by the distance of query and key
  kRotary,    // of what queries and keys are made of, not of themselves
  kNone
};
// "relative", "rotary", "none", which the caller has checked.
ConformerPositions parse_conformer_positions(const std::string& name);

struct ConformerLayerConfig {
  int64_t dim = 0;  // channels, a multiple of 2 * num_heads
  int64_t num_heads = 4;
  int64_t mlp_dim = 0;       // hidden channels of the feed-forward parts
  int64_t kernel_size = 31;  // tokens, odd
  Act act = Act::kSilu;
  ConformerPositions positions = ConformerPositions::kRelative;
  double drop = 0;       // of the feed-forward parts
  double act_drop = 0;   // of their hidden channels
  double attn_drop = 0;  // of the attention weights, and of the attention's branch
  double conv_drop = 0;  // of the convolution's branch
  double drop_path = 0;
};

// What a batch says beside its tokens.
struct ConformerLayerArgs {
  torch::Tensor mask = {};       // [B,N] bool, true: a token; undefined: all are
  torch::Tensor positions = {};  // of conformer_positions()
};

// Relative: [2N-1,D], the distances' sines and cosines; rotary: [2,N,1,d] of a head's d channels;
// else undefined. rotary_base: of the rotary frequencies.
torch::Tensor conformer_positions(const ConformerLayerConfig& config, int64_t tokens,
                                  const torch::TensorOptions& options, double rotary_base = 10000);

class ConformerAttentionImpl;
class ConformerConvolutionImpl;
class ConformerFeedForwardImpl;

// [B,N,D] -> [B,N,D]. Keys: ffn1_layer_norm, ffn1.{intermediate_dense,output_dense},
// self_attn_layer_norm, self_attn.{linear_q,linear_k,linear_v,linear_out, relative: linear_pos,
// pos_bias_u, pos_bias_v}, conv_module.{layer_norm,pointwise_conv1,depthwise_conv,batch_norm,
// pointwise_conv2}, ffn2_layer_norm, ffn2, final_layer_norm.
class ConformerLayerImpl : public torch::nn::Module {
 public:
  explicit ConformerLayerImpl(const ConformerLayerConfig& config);
  torch::Tensor forward(const torch::Tensor& x, const ConformerLayerArgs& args = {});

 private:
  ConformerLayerConfig config_;
  torch::nn::LayerNorm ffn1_norm_{nullptr}, attention_norm_{nullptr}, ffn2_norm_{nullptr},
      final_norm_{nullptr};
  std::shared_ptr<ConformerFeedForwardImpl> ffn1_, ffn2_;
  std::shared_ptr<ConformerAttentionImpl> attention_;
  std::shared_ptr<ConformerConvolutionImpl> convolution_;
};
TORCH_MODULE(ConformerLayer);

}  // namespace braid::nn
