#include "braid/models/text/fairseq_encoder.h"

#include <cmath>

#include "braid/models/layer_ids.h"
#include "braid/nn/basic/dropout.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/basic/register_at.h"
#include "braid/runtime/grad_checkpoint.h"

namespace braid::models {

using torch::Tensor;

Tensor fairseq_positions(const Tensor& mask, int64_t tokens, int64_t dim, int64_t padding_idx,
                         const torch::TensorOptions& options) {
  const int64_t half = dim / 2;
  const auto angle = torch::TensorOptions().dtype(torch::kFloat).device(options.device());
  const auto rates =
      torch::exp(torch::arange(half, angle) *
                 static_cast<float>(-std::log(10000.0) / static_cast<double>(half - 1)));
  const auto turned =
      torch::arange(padding_idx + 1, padding_idx + 1 + tokens, angle).unsqueeze(1) * rates;
  auto table = torch::cat({turned.sin(), turned.cos()}, 1).to(options.dtype());  // [tokens,D]
  if (!mask.defined()) return table;
  return torch::embedding(table, (mask.cumsum(1) - 1).clamp_min(0));
}

std::vector<int64_t> layer_kernel_sizes(const Validator& check, const char* field,
                                        const std::vector<int64_t>& list, int64_t depth) {
  for (const int64_t size : list) check.odd(field, size, 1025);
  if (list.size() == 1) return std::vector<int64_t>(static_cast<size_t>(depth), list[0]);
  if (static_cast<int64_t>(list.size()) < depth)
    check.fail(std::string("expected a size in ") + field + " for each of " +
               std::to_string(depth) + " layers, got " + std::to_string(list.size()));
  return {list.begin(), list.begin() + depth};
}

FairseqEncoder::FairseqEncoder(const FairseqEncoderConfig& body)
    : HeadedTextEncoder(body.head), body_(body) {
  const int64_t D = body_.layer.dim;
  if (D % 2 != 0)
    Validator(body_.head.model)
        .fail("expected an even encoder_embed_dim, got " + std::to_string(D));
  embed_tokens = torch::nn::Embedding(
      torch::nn::EmbeddingOptions(body_.head.vocab_size, D).padding_idx(body_.head.pad_token_id));
  nn::register_at(*this, "encoder.embed_tokens", embed_tokens.ptr());
  for (int64_t i = 0; i < body_.depth; ++i) {
    layers_.emplace_back(body_.layer, body_.mixer(i));
    nn::register_at(*this, "encoder.layers." + std::to_string(i), layers_.back().ptr());
  }
  if (body_.layer.pre_norm) {
    layer_norm_ = nn::layer_norm(D, body_.layer.norm_eps);
    nn::register_at(*this, "encoder.layer_norm", layer_norm_.ptr());
  }
  const torch::NoGradGuard no_grad;
  embed_tokens->weight.normal_(0, 1 / std::sqrt(static_cast<double>(D)));
  embed_tokens->weight[body_.head.pad_token_id].zero_();
  for (const auto& module : modules(/*include_self=*/false))
    if (auto* linear = module->as<torch::nn::LinearImpl>()) {
      torch::nn::init::xavier_uniform_(linear->weight);
      if (linear->bias.defined()) linear->bias.zero_();
    }
}

Tensor FairseqEncoder::forward_features(const TextInput& input) {
  check_text_input(input, *this);
  const auto mask = token_mask(input);
  auto x = embed_tokens->forward(input.input_ids.to(torch::kLong)) *
           std::sqrt(static_cast<double>(body_.layer.dim));  // [B,N,D]
  x = x + fairseq_positions(mask, x.size(1), body_.layer.dim, body_.head.pad_token_id, x.options());
  x = nn::dropout(x, body_.layer.drop, is_training());
  for (const auto& layer : layers_) {
    const auto run = [layer = layer, mask](const Tensor& y) mutable {
      return layer->forward(y, {.mixer = {.key_padding = mask}});
    };
    x = runtime::checkpoint_if(checkpointing(), run, x);
  }
  return layer_norm_ ? layer_norm_->forward(x) : x;
}

int64_t FairseqEncoder::layer_id(const std::string& parameter) const {
  if (parameter.starts_with("encoder.embed_tokens")) return 0;
  if (parameter.starts_with("encoder.layer_norm")) return body_.depth;
  return block_index(parameter, "encoder.layers.", body_.depth) + 1;
}

}  // namespace braid::models
