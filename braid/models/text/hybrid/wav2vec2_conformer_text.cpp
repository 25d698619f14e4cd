#include "braid/models/text/hybrid/wav2vec2_conformer_text.h"

#include <cmath>

#include "braid/models/layer_ids.h"
#include "braid/models/text/hidden_act.h"
#include "braid/models/text/text_entry.h"
#include "braid/nn/attention/core.h"
#include "braid/nn/basic/dropout.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/basic/register_at.h"
#include "braid/nn/conv/token_conv.h"
#include "braid/runtime/grad_checkpoint.h"

namespace braid::models {
namespace {

using torch::Tensor;

constexpr double kConformerNormEps = 1e-5;

// Sines and cosines, channel by channel in turn, of the distances N-1 to -(N-1) of a query from its
// key. The angles are float32 as in the reference.
Tensor relative_sinusoids(int64_t tokens, int64_t dim, const torch::TensorOptions& options) {
  const auto angle = options.dtype(torch::kFloat);
  const auto rates = torch::exp(torch::arange(0, dim, 2, angle) *
                                static_cast<float>(-std::log(10000.0) / static_cast<double>(dim)));
  const auto distances = torch::arange(tokens - 1, -tokens, -1, angle).unsqueeze(1);
  const auto turned = distances * rates;  // [2N-1,D/2]
  return torch::stack({turned.sin(), turned.cos()}, -1).flatten(1).to(options);
}

Tensor rotary_halves(int64_t tokens, int64_t dim, double base,
                     const torch::TensorOptions& options) {
  const auto exponents =
      torch::arange(0, dim, 2, options.dtype(torch::kFloat)) / static_cast<double>(dim);
  const auto rates = (1.0 / torch::pow(base, exponents)).to(options);
  const auto turned = torch::arange(tokens, options).unsqueeze(1) * rates;  // [N,d/2]
  const auto both = torch::cat({turned, turned}, -1).unsqueeze(1);          // [N,1,d]
  return torch::stack({both.cos(), both.sin()});
}

// b and d of Transformer-XL: [B,h,N,2N-1], by distance, to [B,h,N,N], by key.
Tensor by_key(const Tensor& by_distance) {
  const int64_t N = by_distance.size(2);
  return torch::constant_pad_nd(by_distance, {1, 0})
      .flatten(2)
      .narrow(2, N, N * (2 * N - 1))
      .unflatten(2, {N, 2 * N - 1})
      .narrow(3, 0, N);
}

// Keys: linear_q, linear_k, linear_v, linear_out, relative: linear_pos, pos_bias_u, pos_bias_v.
class ConformerTextAttention : public torch::nn::Module {
 public:
  explicit ConformerTextAttention(const Wav2Vec2ConformerTextConfig& c)
      : heads_(c.num_attention_heads), drop_(c.attention_dropout) {
    const int64_t D = c.hidden_size;
    q_ = register_module("linear_q", torch::nn::Linear(D, D));
    k_ = register_module("linear_k", torch::nn::Linear(D, D));
    v_ = register_module("linear_v", torch::nn::Linear(D, D));
    out_ = register_module("linear_out", torch::nn::Linear(D, D));
    rotary_ = c.position_embeddings_type == "rotary";
    if (c.position_embeddings_type != "relative") return;
    position_ = register_module("linear_pos",
                                torch::nn::Linear(torch::nn::LinearOptions(D, D).bias(false)));
    bias_u_ = register_parameter("pos_bias_u", torch::zeros({heads_, D / heads_}));
    bias_v_ = register_parameter("pos_bias_v", torch::zeros({heads_, D / heads_}));
  }

  Tensor forward(const Tensor& x, const ConformerTextArgs& args) {
    const auto turned = rotary_ ? turn(x, args.positions) : x;
    auto queries = nn::split_heads(q_->forward(turned), heads_);  // [B,h,N,d]
    const auto keys = nn::split_heads(k_->forward(turned), heads_);
    const auto values = nn::split_heads(v_->forward(x), heads_);
    Tensor bias;
    if (position_) {
      const auto places = nn::split_heads(position_->forward(args.positions).unsqueeze(0), heads_);
      const auto products =
          at::matmul(queries + bias_v_.unsqueeze(1), places.transpose(2, 3));  // [B,h,N,2N-1]
      bias = by_key(products) / std::sqrt(static_cast<double>(queries.size(3)));
      queries = queries + bias_u_.unsqueeze(1);
    }
    const auto y =
        nn::attend(queries, keys, values,
                   {.bias = bias, .key_padding = args.mask, .dropout = is_training() ? drop_ : 0});
    return out_->forward(nn::merge_heads(y));
  }

 private:
  // Of each head the first half of the channels with the second.
  Tensor turn(const Tensor& x, const Tensor& positions) const {
    const auto heads = x.unflatten(2, {heads_, -1});  // [B,N,h,d]
    const auto halves = heads.chunk(2, -1);
    const auto across = torch::cat({-halves[1], halves[0]}, -1);
    return (heads * positions[0] + across * positions[1]).flatten(2);
  }

  int64_t heads_;
  double drop_;
  bool rotary_ = false;
  torch::nn::Linear q_{nullptr}, k_{nullptr}, v_{nullptr}, out_{nullptr}, position_{nullptr};
  Tensor bias_u_, bias_v_;  // [h,d]
};

// Keys: layer_norm, pointwise_conv1, depthwise_conv, batch_norm, pointwise_conv2.
class ConformerTextConvolution : public torch::nn::Module {
 public:
  explicit ConformerTextConvolution(const Wav2Vec2ConformerTextConfig& c)
      : act_(parse_hidden_act(c.hidden_act)), drop_(c.conformer_conv_dropout) {
    const int64_t D = c.hidden_size;
    const auto conv = [this](const char* key, int64_t in, int64_t out, int64_t size) {
      auto module = register_module(
          key, torch::nn::Conv1d(
                   torch::nn::Conv1dOptions(in, out, size).groups(size > 1 ? in : 1).bias(false)));
      torch::nn::init::kaiming_normal_(module->weight);
      return module;
    };
    norm_ = register_module("layer_norm", nn::layer_norm(D, kConformerNormEps));
    pointwise1_ = conv("pointwise_conv1", D, 2 * D, 1);
    depthwise_ = conv("depthwise_conv", D, D, c.conv_depthwise_kernel_size);
    batch_norm_ = register_module("batch_norm", torch::nn::BatchNorm1d(D));
    pointwise2_ = conv("pointwise_conv2", D, D, 1);
  }

  Tensor forward(const Tensor& x, const Tensor& mask) {
    auto y = at::glu(at::linear(norm_->forward(x), pointwise1_->weight.squeeze(2)), -1);
    const auto kernels = depthwise_->weight.squeeze(1);  // [D,K]
    y = nn::token_convolution(nn::zero_padding(y, mask), kernels, kernels.size(1) / 2);
    y = nn::activate(normalized(y, mask), act_);
    y = at::linear(y, pointwise2_->weight.squeeze(2));
    return nn::dropout(y, drop_, is_training());
  }

 private:
  // Statistics are those of the tokens, not of padding; of fewer than two the running ones.
  Tensor normalized(const Tensor& x, const Tensor& mask) {
    const auto flat = x.flatten(0, 1);  // [B*N,D]
    const auto norm = [&](const Tensor& rows, bool batch) {
      return at::batch_norm(rows, batch_norm_->weight, batch_norm_->bias, batch_norm_->running_mean,
                            batch_norm_->running_var, batch,
                            batch_norm_->options.momentum().value_or(0.1),
                            batch_norm_->options.eps(), true);
    };
    if (!is_training()) return norm(flat, false).view_as(x);
    const auto tokens = mask.defined() ? mask.flatten().nonzero().squeeze(1) : Tensor();
    const int64_t count = tokens.defined() ? tokens.size(0) : flat.size(0);
    if (count < 2) return norm(flat, false).view_as(x);
    {
      const torch::NoGradGuard no_grad;
      batch_norm_->num_batches_tracked.add_(1);
    }
    if (!tokens.defined()) return norm(flat, true).view_as(x);
    return torch::zeros_like(flat)
        .index_copy(0, tokens, norm(flat.index_select(0, tokens), true))
        .view_as(x);
  }

  nn::Act act_;
  double drop_;
  torch::nn::LayerNorm norm_{nullptr};
  torch::nn::Conv1d pointwise1_{nullptr}, depthwise_{nullptr}, pointwise2_{nullptr};
  torch::nn::BatchNorm1d batch_norm_{nullptr};
};

// Keys: intermediate_dense, output_dense.
class ConformerTextFeedForward : public torch::nn::Module {
 public:
  explicit ConformerTextFeedForward(const Wav2Vec2ConformerTextConfig& c)
      : act_(parse_hidden_act(c.hidden_act)),
        act_drop_(c.activation_dropout),
        drop_(c.hidden_dropout) {
    in_ = register_module("intermediate_dense",
                          torch::nn::Linear(c.hidden_size, c.intermediate_size));
    out_ = register_module("output_dense", torch::nn::Linear(c.intermediate_size, c.hidden_size));
  }

  Tensor forward(const Tensor& x) {
    const auto drop = [this](const Tensor& y, double rate) {
      return nn::dropout(y, rate, is_training());
    };
    return drop(out_->forward(drop(nn::activate(in_->forward(x), act_), act_drop_)), drop_);
  }

 private:
  nn::Act act_;
  double act_drop_, drop_;
  torch::nn::Linear in_{nullptr}, out_{nullptr};
};

// Keys: ffn1_layer_norm, ffn1, self_attn_layer_norm, self_attn, conv_module, ffn2_layer_norm, ffn2,
// final_layer_norm.
class ConformerTextLayer : public torch::nn::Module {
 public:
  explicit ConformerTextLayer(const Wav2Vec2ConformerTextConfig& c) : drop_(c.attention_dropout) {
    const auto norm = [&](const char* key) {
      return register_module(key, nn::layer_norm(c.hidden_size, kConformerNormEps));
    };
    ffn1_norm_ = norm("ffn1_layer_norm");
    ffn1_ = register_module("ffn1", std::make_shared<ConformerTextFeedForward>(c));
    attention_norm_ = norm("self_attn_layer_norm");
    attention_ = register_module("self_attn", std::make_shared<ConformerTextAttention>(c));
    convolution_ = register_module("conv_module", std::make_shared<ConformerTextConvolution>(c));
    ffn2_norm_ = norm("ffn2_layer_norm");
    ffn2_ = register_module("ffn2", std::make_shared<ConformerTextFeedForward>(c));
    final_norm_ = norm("final_layer_norm");
  }

  Tensor forward(const Tensor& x, const ConformerTextArgs& args) {
    auto y = x + 0.5 * ffn1_->forward(ffn1_norm_->forward(x));
    y = y +
        nn::dropout(attention_->forward(attention_norm_->forward(y), args), drop_, is_training());
    y = y + convolution_->forward(y, args.mask);
    y = y + 0.5 * ffn2_->forward(ffn2_norm_->forward(y));
    return final_norm_->forward(y);
  }

 private:
  double drop_;
  torch::nn::LayerNorm ffn1_norm_{nullptr}, attention_norm_{nullptr}, ffn2_norm_{nullptr},
      final_norm_{nullptr};
  std::shared_ptr<ConformerTextFeedForward> ffn1_, ffn2_;
  std::shared_ptr<ConformerTextAttention> attention_;
  std::shared_ptr<ConformerTextConvolution> convolution_;
};

HeadedEncoderConfig conformer_text_body(const Wav2Vec2ConformerTextConfig& c) {
  const Validator check("wav2vec2_conformer_text");
  check.positive("num_hidden_layers", c.num_hidden_layers)
      .divides("num_attention_heads", c.num_attention_heads, "hidden_size", c.hidden_size)
      .positive("intermediate_size", c.intermediate_size)
      .rate("hidden_dropout", c.hidden_dropout)
      .rate("activation_dropout", c.activation_dropout)
      .rate("attention_dropout", c.attention_dropout)
      .rate("conformer_conv_dropout", c.conformer_conv_dropout)
      .one_of("position_embeddings_type", c.position_embeddings_type,
              {"relative", "rotary", "none"})
      .positive("rotary_embedding_base", c.rotary_embedding_base)
      .odd("conv_depthwise_kernel_size", c.conv_depthwise_kernel_size, 1025)
      .between("layer_norm_eps", c.layer_norm_eps, 0.0, 1.0)
      .between("initializer_range", c.initializer_range, 0.0, 100.0);
  if (c.hidden_size % (2 * c.num_attention_heads) != 0)
    check.fail("expected an even number of channels in each head, got " +
               std::to_string(c.hidden_size / c.num_attention_heads));
  return {.model = "wav2vec2_conformer_text",
          .vocab_size = c.vocab_size,
          .pad_token_id = c.pad_token_id,
          .num_features = c.hidden_size,
          .dropout = c.final_dropout};
}

}  // namespace

void Wav2Vec2ConformerTextConfig::visit(FieldVisitor& v) {
  visit_headed_fields(*this, v);
  v.field("hidden_size", hidden_size, "channels of a token");
  v.field("num_hidden_layers", num_hidden_layers, "layers");
  v.field("num_attention_heads", num_attention_heads, "attention heads");
  v.field("intermediate_size", intermediate_size, "hidden channels of the feed-forward parts");
  v.field("hidden_act", hidden_act, "activation", {.choices = hidden_act_names()});
  v.field("hidden_dropout", hidden_dropout,
          "dropout of embeddings and feed-forward parts, 0: none");
  v.field("activation_dropout", activation_dropout, "dropout after the activation, 0: none");
  v.field("attention_dropout", attention_dropout, "dropout of attention and its weights, 0: none");
  v.field("conformer_conv_dropout", conformer_conv_dropout, "dropout of convolutions, 0: none");
  v.field("final_dropout", final_dropout, "dropout before the head, 0: none");
  v.field("position_embeddings_type", position_embeddings_type,
          "how attention knows where a token stands", {.choices = {"relative", "rotary", "none"}});
  v.field("rotary_embedding_base", rotary_embedding_base, "base of the rotary frequencies");
  v.field("conv_depthwise_kernel_size", conv_depthwise_kernel_size,
          "tokens that a convolution sees, odd");
  v.field("layer_norm_eps", layer_norm_eps, "epsilon of the last norm");
  v.field("initializer_range", initializer_range, "deviation of the first weights");
}

Wav2Vec2ConformerText::Wav2Vec2ConformerText(const Wav2Vec2ConformerTextConfig& config)
    : TextEncoderOf(config, conformer_text_body(config)) {
  embeddings = register_module(
      "embeddings", TextEmbeddings(TextEmbeddingsConfig{.vocab_size = config.vocab_size,
                                                        .dim = config.hidden_size,
                                                        .pad_token_id = config.pad_token_id,
                                                        .norm_eps = config.layer_norm_eps,
                                                        .drop = config.hidden_dropout}));
  for (int64_t i = 0; i < config.num_hidden_layers; ++i) {
    const auto layer = std::make_shared<ConformerTextLayer>(config);
    nn::register_at(*this, "encoder.layers." + std::to_string(i), layer);
    layers_.emplace_back([layer](const Tensor& x, const ConformerTextArgs& args) {
      return layer->forward(x, args);
    });
  }
  layer_norm = nn::layer_norm(config.hidden_size, config.layer_norm_eps);
  nn::register_at(*this, "encoder.layer_norm", layer_norm.ptr());
  const torch::NoGradGuard no_grad;
  for (const auto& module : modules(/*include_self=*/false))
    if (auto* linear = module->as<torch::nn::LinearImpl>()) {
      linear->weight.normal_(0, config.initializer_range);
      if (linear->bias.defined()) linear->bias.zero_();
    }
  auto& words = embeddings->word_embeddings->weight;
  words.normal_(0, config.initializer_range);
  words[config.pad_token_id].zero_();
  begin_head(config.head, config.num_labels);
}

torch::Tensor Wav2Vec2ConformerText::forward_features(const TextInput& input) {
  check_text_input(input, *this);
  ConformerTextArgs args{.mask = token_mask(input), .positions = {}};
  auto x = nn::zero_padding(embeddings->forward({input.input_ids, {}, {}}), args.mask);
  const int64_t N = x.size(1), D = config_.hidden_size;
  if (config_.position_embeddings_type == "relative")
    args.positions = relative_sinusoids(N, D, x.options());
  if (config_.position_embeddings_type == "rotary")
    args.positions = rotary_halves(N, D / config_.num_attention_heads,
                                   static_cast<double>(config_.rotary_embedding_base), x.options());
  for (const auto& layer : layers_)
    x = runtime::checkpoint_if(
        checkpointing(), [layer, args](const Tensor& y) { return layer(y, args); }, x);
  return layer_norm->forward(x);
}

std::vector<std::string> Wav2Vec2ConformerText::no_weight_decay() const {
  std::vector<std::string> names;
  for (const auto& item : named_parameters())
    if (item.key().ends_with("pos_bias_u") || item.key().ends_with("pos_bias_v"))
      names.push_back(item.key());
  return names;
}

int64_t Wav2Vec2ConformerText::layer_id(const std::string& parameter) const {
  if (parameter.starts_with("embeddings.")) return 0;
  if (parameter.starts_with("encoder.layer_norm")) return config_.num_hidden_layers;
  return block_index(parameter, "encoder.layers.", config_.num_hidden_layers) + 1;
}

void add_wav2vec2_conformer_text(Registry& table) {
  const auto add = [&table](const char* name, const Wav2Vec2ConformerTextConfig& config) {
    table.add(text_entry<Wav2Vec2ConformerText>(name, Family::kHybrid, Fusion::kSerial, config));
  };
  add("wav2vec2_conformer_text_tiny",
      {.hidden_size = 128, .num_hidden_layers = 4, .intermediate_size = 512});
  add("wav2vec2_conformer_text_small", {});
  add("wav2vec2_conformer_text_rotary_small", {.position_embeddings_type = "rotary"});
}

}  // namespace braid::models
