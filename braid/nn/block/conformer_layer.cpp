#include "braid/nn/block/conformer_layer.h"

#include <cmath>

#include "braid/nn/attention/core.h"
#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/dropout.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/basic/norm_for_product.h"
#include "braid/nn/conv/token_conv.h"

namespace braid::nn {

using torch::Tensor;

ConformerPositions parse_conformer_positions(const std::string& name) {
  if (name == "relative") return ConformerPositions::kRelative;
  return name == "rotary" ? ConformerPositions::kRotary : ConformerPositions::kNone;
}

namespace {

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

}  // namespace

// Keys: linear_q, linear_k, linear_v, linear_out, relative: linear_pos, pos_bias_u, pos_bias_v.
class ConformerAttentionImpl : public torch::nn::Module {
 public:
  explicit ConformerAttentionImpl(const ConformerLayerConfig& c)
      : heads_(c.num_heads), drop_(c.attn_drop) {
    const int64_t D = c.dim;
    q_ = register_module("linear_q", torch::nn::Linear(D, D));
    k_ = register_module("linear_k", torch::nn::Linear(D, D));
    v_ = register_module("linear_v", torch::nn::Linear(D, D));
    out_ = register_module("linear_out", torch::nn::Linear(D, D));
    rotary_ = c.positions == ConformerPositions::kRotary;
    if (c.positions != ConformerPositions::kRelative) return;
    position_ = register_module("linear_pos",
                                torch::nn::Linear(torch::nn::LinearOptions(D, D).bias(false)));
    bias_u_ = register_parameter("pos_bias_u", torch::zeros({heads_, D / heads_}));
    bias_v_ = register_parameter("pos_bias_v", torch::zeros({heads_, D / heads_}));
  }

  Tensor forward(const Tensor& x, const ConformerLayerArgs& args) {
    const auto turned = rotary_ ? turn(x, args.positions) : x;
    auto queries = split_heads(q_->forward(turned), heads_);  // [B,h,N,d]
    const auto keys = split_heads(k_->forward(turned), heads_);
    const auto values = split_heads(v_->forward(x), heads_);
    Tensor bias;
    if (position_) {
      const auto places = split_heads(position_->forward(args.positions).unsqueeze(0), heads_);
      const auto products =
          at::matmul(queries + bias_v_.unsqueeze(1), places.transpose(2, 3));  // [B,h,N,2N-1]
      bias = by_key(products) / std::sqrt(static_cast<double>(queries.size(3)));
      queries = queries + bias_u_.unsqueeze(1);
    }
    const auto y =
        attend(queries, keys, values,
               {.bias = bias, .key_padding = args.mask, .dropout = is_training() ? drop_ : 0});
    return out_->forward(merge_heads(y));
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
class ConformerConvolutionImpl : public torch::nn::Module {
 public:
  explicit ConformerConvolutionImpl(const ConformerLayerConfig& c)
      : act_(c.act), drop_(c.conv_drop) {
    const int64_t D = c.dim;
    const auto conv = [this](const char* key, int64_t in, int64_t out, int64_t size,
                             int64_t groups) {
      auto module = register_module(
          key,
          torch::nn::Conv1d(torch::nn::Conv1dOptions(in, out, size).groups(groups).bias(false)));
      torch::nn::init::kaiming_normal_(module->weight);
      return module;
    };
    norm_ = register_module("layer_norm", layer_norm(D, kConformerNormEps));
    pointwise1_ = conv("pointwise_conv1", D, 2 * D, 1, 1);
    depthwise_ = conv("depthwise_conv", D, D, c.kernel_size, D);
    batch_norm_ = register_module("batch_norm", torch::nn::BatchNorm1d(D));
    pointwise2_ = conv("pointwise_conv2", D, D, 1, 1);
  }

  Tensor forward(const Tensor& x, const Tensor& mask) {
    auto y = at::glu(at::linear(norm_for_product(norm_, x), pointwise1_->weight.squeeze(2)), -1);
    const auto kernels = depthwise_->weight.squeeze(1);  // [D,K]
    y = token_convolution(zero_padding(y, mask), kernels, kernels.size(1) / 2);
    y = activate(normalized(y, mask), act_);
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

  Act act_;
  double drop_;
  torch::nn::LayerNorm norm_{nullptr};
  torch::nn::Conv1d pointwise1_{nullptr}, depthwise_{nullptr}, pointwise2_{nullptr};
  torch::nn::BatchNorm1d batch_norm_{nullptr};
};

// Keys: intermediate_dense, output_dense.
class ConformerFeedForwardImpl : public torch::nn::Module {
 public:
  explicit ConformerFeedForwardImpl(const ConformerLayerConfig& c)
      : act_(c.act), act_drop_(c.act_drop), drop_(c.drop) {
    in_ = register_module("intermediate_dense", torch::nn::Linear(c.dim, c.mlp_dim));
    out_ = register_module("output_dense", torch::nn::Linear(c.mlp_dim, c.dim));
  }

  Tensor forward(const Tensor& x) {
    const auto drop = [this](const Tensor& y, double rate) {
      return nn::dropout(y, rate, is_training());
    };
    return drop(out_->forward(drop(activate(in_->forward(x), act_), act_drop_)), drop_);
  }

 private:
  Act act_;
  double act_drop_, drop_;
  torch::nn::Linear in_{nullptr}, out_{nullptr};
};

Tensor conformer_positions(const ConformerLayerConfig& config, int64_t tokens,
                           const torch::TensorOptions& options, double rotary_base) {
  if (config.positions == ConformerPositions::kRelative)
    return relative_sinusoids(tokens, config.dim, options);
  if (config.positions == ConformerPositions::kRotary)
    return rotary_halves(tokens, config.dim / config.num_heads, rotary_base, options);
  return {};
}

ConformerLayerImpl::ConformerLayerImpl(const ConformerLayerConfig& config) : config_(config) {
  const auto norm = [&](const char* key) {
    return register_module(key, layer_norm(config.dim, kConformerNormEps));
  };
  ffn1_norm_ = norm("ffn1_layer_norm");
  ffn1_ = register_module("ffn1", std::make_shared<ConformerFeedForwardImpl>(config));
  attention_norm_ = norm("self_attn_layer_norm");
  attention_ = register_module("self_attn", std::make_shared<ConformerAttentionImpl>(config));
  convolution_ = register_module("conv_module", std::make_shared<ConformerConvolutionImpl>(config));
  ffn2_norm_ = norm("ffn2_layer_norm");
  ffn2_ = register_module("ffn2", std::make_shared<ConformerFeedForwardImpl>(config));
  final_norm_ = norm("final_layer_norm");
}

Tensor ConformerLayerImpl::forward(const Tensor& x, const ConformerLayerArgs& args) {
  const auto path = [this](const Tensor& branch) {
    return drop_path(branch, config_.drop_path, is_training());
  };
  auto y = x + path(0.5 * ffn1_->forward(norm_for_product(ffn1_norm_, x)));
  y = y + path(nn::dropout(attention_->forward(norm_for_product(attention_norm_, y), args),
                           config_.attn_drop, is_training()));
  y = y + path(convolution_->forward(y, args.mask));
  y = y + path(0.5 * ffn2_->forward(norm_for_product(ffn2_norm_, y)));
  return trained_norm(final_norm_, y);
}

}  // namespace braid::nn
