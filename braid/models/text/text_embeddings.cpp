#include "braid/models/text/text_embeddings.h"

#include <utility>

#include "braid/core/error.h"
#include "braid/core/near_match.h"
#include "braid/nn/basic/dropout.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/basic/norm_for_product.h"
#include "braid/nn/position/sequence_positions.h"

namespace braid::models {
namespace {

using torch::Tensor;

const std::vector<std::pair<std::string, TextPositions>>& named_text_positions() {
  static const std::vector<std::pair<std::string, TextPositions>> kNames = {
      {"absolute", TextPositions::kAbsolute}, {"sinusoidal", TextPositions::kSinusoidal},
      {"rotary", TextPositions::kRotary},     {"relative_bias", TextPositions::kRelativeBias},
      {"alibi", TextPositions::kAlibi},       {"none", TextPositions::kNone}};
  return kNames;
}

}  // namespace

std::vector<std::string> text_positions_names() {
  std::vector<std::string> names;
  for (const auto& entry : named_text_positions()) names.push_back(entry.first);
  return names;
}

TextPositions parse_text_positions(const std::string& name) {
  for (const auto& [known, positions] : named_text_positions())
    if (known == name) return positions;
  throw ConfigError("models", "unknown position_embedding_type '" + name + "'", "",
                    did_you_mean(name, text_positions_names()));
}

TextEmbeddingsImpl::TextEmbeddingsImpl(const TextEmbeddingsConfig& config) : config_(config) {
  const auto table = [&](const char* key, int64_t rows) {
    return register_module(key, torch::nn::Embedding(rows, config_.dim));
  };
  auto words = torch::nn::EmbeddingOptions(config_.vocab_size, config_.dim);
  if (config_.pad_token_id >= 0) words.padding_idx(config_.pad_token_id);
  word_embeddings = register_module("word_embeddings", torch::nn::Embedding(words));
  if (config_.max_positions > 0)
    position_embeddings = table("position_embeddings", config_.max_positions);
  if (config_.type_vocab_size > 0)
    token_type_embeddings = table("token_type_embeddings", config_.type_vocab_size);
  if (config_.norm)
    norm = register_module("LayerNorm", nn::layer_norm(config_.dim, config_.norm_eps));
}

Tensor TextEmbeddingsImpl::forward(const TextInput& input) {
  const int64_t N = input.input_ids.size(1);
  auto x = word_embeddings->forward(input.input_ids.to(torch::kLong));  // [B,N,dim]
  if (config_.word_scale != 1) x = x * config_.word_scale;
  if (token_type_embeddings) {
    const auto& types = input.token_type_ids;
    if (types.defined())
      check_numbers(types, config_.type_vocab_size, "token_type_ids",
                    "they say which of the texts a token is of");
    x = x + (types.defined() ? token_type_embeddings->forward(types.to(torch::kLong))
                             : token_type_embeddings->weight[0]);
  }
  if (position_embeddings) x = x + position_embeddings->weight.narrow(0, 0, N);
  if (config_.sinusoidal) x = x + nn::sinusoidal_positions(N, config_.dim, x.options());
  if (norm) x = nn::trained_norm(norm, x);
  return nn::dropout(x, config_.drop, is_training());
}

}  // namespace braid::models
