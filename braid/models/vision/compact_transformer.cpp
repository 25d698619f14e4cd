#include "braid/models/vision/compact_transformer.h"

#include "braid/nn/attention/self_attention.h"
#include "braid/nn/basic/activation.h"
#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/dropout.h"
#include "braid/nn/basic/init.h"
#include "braid/nn/basic/norm_for_product.h"
#include "braid/nn/conv/conv.h"
#include "braid/nn/head/replace_head.h"

namespace braid::models {
namespace {

// Post-norm twist of the reference: the second residual starts from the normalized tokens.
class CompactBlockImpl : public nn::BlockImpl {
 public:
  CompactBlockImpl(const CompactTransformerConfig& config, double drop_path_rate)
      : drop_(config.drop_rate), drop_path_(drop_path_rate) {
    const int64_t D = config.embed_dim;
    const auto hidden = static_cast<int64_t>(static_cast<double>(D) * config.mlp_ratio);
    pre_norm = register_module("pre_norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({D})));
    self_attn = register_module(
        "self_attn", nn::SelfAttention(nn::SelfAttentionConfig{.dim = D,
                                                               .num_heads = config.num_heads,
                                                               .attn_drop = config.attn_drop_rate,
                                                               .proj_drop = config.drop_rate}));
    linear1 = register_module("linear1", torch::nn::Linear(D, hidden));
    norm1 = register_module("norm1", torch::nn::LayerNorm(torch::nn::LayerNormOptions({D})));
    linear2 = register_module("linear2", torch::nn::Linear(hidden, D));
    nn::init_linear_(linear1);
    nn::init_linear_(linear2);
  }

  torch::Tensor forward(const torch::Tensor& tokens) override {  // [B,N,D]
    auto x = tokens + nn::drop_path(self_attn->forward(nn::norm_for_product(pre_norm, tokens)),
                                    drop_path_, is_training());
    x = nn::trained_norm(norm1, x);
    auto y = nn::dropout(nn::activate(linear1->forward(x), nn::Act::kGelu), drop_, is_training());
    y = nn::dropout(linear2->forward(y), drop_, is_training());
    return x + nn::drop_path(y, drop_path_, is_training());
  }

  torch::nn::LayerNorm pre_norm{nullptr}, norm1{nullptr};
  nn::SelfAttention self_attn{nullptr};
  torch::nn::Linear linear1{nullptr}, linear2{nullptr};

 private:
  double drop_, drop_path_;
};
TORCH_MODULE(CompactBlock);

}  // namespace

CompactTokenizerImpl::CompactTokenizerImpl(const CompactTokenizerConfig& config) : config_(config) {
  for (int64_t i = 0; i < config.conv_layers; ++i) {
    const int64_t in = i == 0 ? config.in_chs : config.hidden_chs;
    const int64_t out = i + 1 == config.conv_layers ? config.embed_dim : config.hidden_chs;
    torch::nn::Conv2d conv(torch::nn::Conv2dOptions(in, out, config.kernel_size)
                               .stride(config.stride)
                               .padding(config.padding)
                               .bias(config.conv_bias));
    torch::nn::init::kaiming_normal_(conv->weight);
    conv_layers->push_back(torch::nn::Sequential(conv));
    convs_.push_back(conv);
  }
  register_module("conv_layers", conv_layers);
}

torch::Tensor CompactTokenizerImpl::forward(torch::Tensor x) {
  for (auto& conv : convs_) {
    x = nn::convolve(conv, x);
    if (config_.relu) x = torch::relu_(x);
    if (config_.max_pool) x = torch::max_pool2d(x, 3, 2, 1);
  }
  return x.flatten(2).transpose(1, 2);  // [B,D,h,w] -> [B,N,D]
}

int64_t CompactTokenizerImpl::grid_size(int64_t img_size) const {
  int64_t side = img_size;
  for (int64_t i = 0; i < config_.conv_layers; ++i) {
    side = (side + 2 * config_.padding - config_.kernel_size) / config_.stride + 1;
    if (config_.max_pool) side = (side + 2 - 3) / 2 + 1;
  }
  return side;
}

CompactTransformerImpl::CompactTransformerImpl(const CompactTransformerConfig& config)
    : config_(config) {
  const int64_t D = config.embed_dim;
  if (config.seq_pool) {
    attention_pool = register_module("attention_pool", torch::nn::Linear(D, 1));
    nn::init_linear_(attention_pool);
  } else {
    class_emb = register_parameter("class_emb", torch::zeros({1, 1, D}));
  }
  positional_emb = register_parameter(
      "positional_emb",
      torch::zeros({1, config.grid_size * config.grid_size + prefix_tokens(), D}));
  nn::trunc_normal_(positional_emb, 0.2);
  for (const double rate : nn::drop_path_rates(config.drop_path_rate, config.depth))
    blocks->push_back(CompactBlock(config, rate));
  register_module("blocks", blocks);
  norm = register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({D})));
  reset_classifier(config.num_classes);
}

torch::Tensor CompactTransformerImpl::encode(torch::Tensor x, bool checkpointing) {
  if (!config_.seq_pool)
    x = torch::cat({class_emb.expand({x.size(0), -1, -1}).to(x.dtype()), x}, 1);
  x = nn::dropout(x + positional_emb, config_.drop_rate, is_training());
  return norm->forward(blocks->forward(x, checkpointing));
}

torch::Tensor CompactTransformerImpl::pool(const torch::Tensor& tokens) {
  if (!config_.seq_pool) return tokens.select(1, 0);
  const auto weights = attention_pool->forward(tokens).softmax(1);   // [B,N,1]
  return torch::matmul(weights.transpose(1, 2), tokens).squeeze(1);  // [B,D]
}

void CompactTransformerImpl::reset_classifier(int64_t num_classes) {
  config_.num_classes = num_classes;
  nn::replace_head(*this, "fc", fc, nn::new_head(config_.embed_dim, num_classes, 0.02));
}

}  // namespace braid::models
