#include "braid/models/text/fairseq_seq2seq.h"

#include <algorithm>
#include <cmath>

#include "braid/core/error.h"
#include "braid/models/layer_ids.h"
#include "braid/models/text/fairseq_encoder.h"
#include "braid/nn/basic/dropout.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/basic/product.h"
#include "braid/nn/basic/register_at.h"
#include "braid/runtime/grad_checkpoint.h"

namespace braid::models {
namespace {

using torch::Tensor;

FairseqSeq2SeqConfig resolved_seq2seq(const char* model, FairseqSeq2SeqConfig c) {
  if (c.decoder_vocab_size == 0) c.decoder_vocab_size = c.vocab_size;
  if (!c.decoder_start_token_id) c.decoder_start_token_id = c.eos_token_id;
  const Validator check(model);
  const int64_t last = c.decoder_vocab_size - 1;
  check.between("vocab_size", c.vocab_size, int64_t{2}, kMaxClasses)
      .between("decoder_vocab_size", c.decoder_vocab_size, int64_t{2}, kMaxClasses)
      .between("pad_token_id", c.pad_token_id, int64_t{0}, std::min(c.vocab_size - 1, last))
      .between("eos_token_id", c.eos_token_id, int64_t{0}, last)
      .between("decoder_start_token_id", *c.decoder_start_token_id, int64_t{0}, last)
      .between("embed_dim", c.embed_dim, int64_t{4}, int64_t{65536})
      .between("encoder_layers", c.encoder_layers, int64_t{1}, int64_t{1000})
      .between("decoder_layers", c.decoder_layers, int64_t{1}, int64_t{1000})
      .positive("encoder_ffn_embed_dim", c.encoder_ffn_embed_dim)
      .positive("decoder_ffn_embed_dim", c.decoder_ffn_embed_dim)
      .divides("encoder_attention_heads", c.encoder_attention_heads, "embed_dim", c.embed_dim)
      .divides("decoder_attention_heads", c.decoder_attention_heads, "embed_dim", c.embed_dim)
      .one_of("conv_type", c.conv_type, {"lightweight", "dynamic"})
      .rate("dropout", c.dropout)
      .rate("attention_dropout", c.attention_dropout)
      .rate("activation_dropout", c.activation_dropout)
      .rate("weight_dropout", c.weight_dropout)
      .between("max_positions", c.max_positions, int64_t{1}, int64_t{1} << 20);
  if (c.embed_dim % 2 != 0)
    check.fail("expected an even embed_dim, got " + std::to_string(c.embed_dim));
  if (c.share_encoder_decoder_embeddings && c.vocab_size != c.decoder_vocab_size)
    check.fail("expected decoder_vocab_size " + std::to_string(c.vocab_size) +
               " as vocab_size where the embeddings are shared, got " +
               std::to_string(c.decoder_vocab_size));
  layer_kernel_sizes(check, "encoder_kernel_size_list", c.encoder_kernel_size_list,
                     c.encoder_layers);
  layer_kernel_sizes(check, "decoder_kernel_size_list", c.decoder_kernel_size_list,
                     c.decoder_layers);
  return c;
}

Tensor tokens_of_mask(const Tensor& mask) { return mask.defined() ? mask.ne(0) : mask; }

void expect_length(int64_t tokens, int64_t most, const char* name) {
  if (tokens > most)
    throw DataError("models",
                    "expected texts of at most " + std::to_string(most) + " tokens, got " +
                        std::to_string(tokens),
                    name, kTooLongRemedy);
}

constexpr const char* kOtherTokenizer = "use the tokenizer that the model was trained with";

}  // namespace

void FairseqSeq2SeqConfig::visit(FieldVisitor& v) {
  v.field("vocab_size", vocab_size, "words of the encoder's vocabulary");
  v.field("decoder_vocab_size", decoder_vocab_size, "words of the decoder's, 0: vocab_size");
  v.field("share_encoder_decoder_embeddings", share_encoder_decoder_embeddings,
          "one matrix of words for encoder and decoder");
  v.field("pad_token_id", pad_token_id, "the padding's number");
  v.field("eos_token_id", eos_token_id, "the number of what ends a text");
  v.field("decoder_start_token_id", decoder_start_token_id,
          "the number of what begins a written text, unset: eos_token_id");
  v.field("embed_dim", embed_dim, "channels of a token");
  v.field("encoder_layers", encoder_layers, "layers of the encoder");
  v.field("decoder_layers", decoder_layers, "layers of the decoder");
  v.field("encoder_ffn_embed_dim", encoder_ffn_embed_dim,
          "hidden channels of the encoder's feed-forward part");
  v.field("decoder_ffn_embed_dim", decoder_ffn_embed_dim,
          "hidden channels of the decoder's feed-forward part");
  v.field("encoder_attention_heads", encoder_attention_heads,
          "heads and kernels of the encoder's layers");
  v.field("decoder_attention_heads", decoder_attention_heads,
          "heads and kernels of the decoder's layers");
  v.field("encoder_kernel_size_list", encoder_kernel_size_list,
          "tokens that a convolution sees, by layer or one for all, odd");
  v.field("decoder_kernel_size_list", decoder_kernel_size_list, "the same of the decoder");
  v.field("conv_type", conv_type, "kernels that are weights, or follow from each token",
          {.choices = {"lightweight", "dynamic"}});
  v.field("glu", glu, "a gated linear layer before a convolution");
  v.field("weight_softmax", weight_softmax, "kernels whose numbers sum to 1");
  v.field("normalize_before", normalize_before, "norms before the branches, and one at the end");
  v.field("dropout", dropout, "dropout of embeddings and branches, 0: none");
  v.field("attention_dropout", attention_dropout, "dropout of attention weights, 0: none");
  v.field("activation_dropout", activation_dropout, "dropout after the activation, 0: none");
  v.field("weight_dropout", weight_dropout, "dropout of the kernels, 0: none");
  v.field("max_positions", max_positions, "tokens of the longest text");
}

FairseqSeq2Seq::FairseqSeq2Seq(const FairseqDesign& design, const FairseqSeq2SeqConfig& config)
    : config_(resolved_seq2seq(design.model, config)) {
  encoder_ = stack(design, "encoder", false);
  decoder_ = stack(design, "decoder", true);
  const torch::NoGradGuard no_grad;
  for (const auto& module : modules(/*include_self=*/false))
    if (auto* linear = module->as<torch::nn::LinearImpl>()) {
      torch::nn::init::xavier_uniform_(linear->weight);
      if (linear->bias.defined()) linear->bias.zero_();
    } else if (auto* words = module->as<torch::nn::EmbeddingImpl>()) {
      words->weight.normal_(0, 1 / std::sqrt(static_cast<double>(config_.embed_dim)));
      words->weight[config_.pad_token_id].zero_();
    }
}

FairseqSeq2Seq::Stack FairseqSeq2Seq::stack(const FairseqDesign& design, const char* name,
                                            bool decoder) {
  const auto& c = config_;
  const auto place = [&](const std::string& key, const std::shared_ptr<torch::nn::Module>& child) {
    nn::register_at(*this, std::string(name) + "." + key, child);
  };
  Stack stack;
  if (decoder && c.share_encoder_decoder_embeddings) {
    stack.embed_tokens = encoder_.embed_tokens;
  } else {
    stack.embed_tokens = torch::nn::Embedding(
        torch::nn::EmbeddingOptions(decoder ? c.decoder_vocab_size : c.vocab_size, c.embed_dim)
            .padding_idx(c.pad_token_id));
    place("embed_tokens", stack.embed_tokens.ptr());
  }
  const int64_t depth = decoder ? c.decoder_layers : c.encoder_layers;
  const int64_t heads = decoder ? c.decoder_attention_heads : c.encoder_attention_heads;
  const auto sizes =
      layer_kernel_sizes(Validator(design.model), "kernel_size_list",
                         decoder ? c.decoder_kernel_size_list : c.encoder_kernel_size_list, depth);
  const nn::TransformerLayerConfig layer{
      .dim = c.embed_dim,
      .num_heads = heads,
      .mlp_dim = decoder ? c.decoder_ffn_embed_dim : c.encoder_ffn_embed_dim,
      .act = nn::Act::kRelu,
      .pre_norm = c.normalize_before,
      .cross = decoder,
      .drop = c.dropout,
      .attn_drop = c.attention_dropout,
      .act_drop = c.activation_dropout,
      .keys = decoder ? design.decoder : design.encoder};
  for (int64_t i = 0; i < depth; ++i) {
    stack.layers.emplace_back(layer, design.mixer(c, heads, sizes[static_cast<size_t>(i)]));
    place("layers." + std::to_string(i), stack.layers.back().ptr());
  }
  if (c.normalize_before) {
    stack.layer_norm = nn::layer_norm(c.embed_dim, layer.norm_eps);
    place("layer_norm", stack.layer_norm.ptr());
  }
  return stack;
}

Tensor FairseqSeq2Seq::embed(Stack& stack, const Tensor& ids, const Tensor& mask, int64_t first) {
  auto x = stack.embed_tokens->forward(ids.to(torch::kLong)) *
           std::sqrt(static_cast<double>(config_.embed_dim));  // [B,N,D]
  x = x + fairseq_positions(mask, first + ids.size(1), config_.embed_dim, config_.pad_token_id,
                            x.options())
              .narrow(-2, first, ids.size(1));
  return nn::dropout(x, config_.dropout, is_training());
}

EncodedText FairseqSeq2Seq::encode(const TextInput& input) {
  check_text_input(input, config_.vocab_size, config_.max_positions);
  const auto mask = tokens_of_mask(input.attention_mask);
  auto x = embed(encoder_, input.input_ids, mask, 0);
  for (const auto& layer : encoder_.layers) {
    const auto run = [layer = layer, mask](const Tensor& y) mutable {
      return layer->forward(y, {.mixer = {.key_padding = mask}});
    };
    x = runtime::checkpoint_if(checkpointing(), run, x);
  }
  return {encoder_.layer_norm ? encoder_.layer_norm->forward(x) : x, mask};
}

Tensor FairseqSeq2Seq::decode(const Tensor& decoder_input_ids, const Tensor& decoder_mask,
                              const EncodedText& encoded, DecoderCache* cache) {
  const int64_t seen = cache ? cache->length : 0;
  const size_t depth = decoder_.layers.size();
  check_numbers(decoder_input_ids, config_.decoder_vocab_size, "decoder_input_ids",
                kOtherTokenizer);
  expect_length(seen + decoder_input_ids.size(1), config_.max_positions, "decoder_input_ids");
  if (cache && seen == 0) cache->self.resize(depth), cache->cross.resize(depth);
  const auto mask = tokens_of_mask(decoder_mask);
  auto x = embed(decoder_, decoder_input_ids, mask, seen);
  for (size_t i = 0; i < depth; ++i) {
    auto run = [layer = decoder_.layers[i], mask, padding = encoded.attention_mask,
                self = cache ? &cache->self[i] : nullptr,
                cross =
                    cache ? &cache->cross[i] : nullptr](const std::vector<Tensor>& inputs) mutable {
      const nn::TokenMixerArgs memory{.key_padding = padding, .memory = inputs[1], .cache = cross};
      return layer->forward(
          inputs[0],
          {.mixer = {.key_padding = mask, .causal = true, .cache = self}, .cross = memory});
    };
    x = runtime::checkpoint_if(checkpointing(), run, {x, encoded.hidden});
  }
  if (cache) cache->length += decoder_input_ids.size(1);
  return decoder_.layer_norm ? decoder_.layer_norm->forward(x) : x;
}

Tensor FairseqSeq2Seq::logits(const Tensor& hidden) {
  return nn::product(hidden, decoder_.embed_tokens->weight, {}, /*training=*/false);
}

int64_t FairseqSeq2Seq::layer_id(const std::string& parameter) const {
  const int64_t in_decoder = block_index(parameter, "decoder.layers.", -1);
  if (in_decoder >= 0) return 1 + config_.encoder_layers + in_decoder;
  if (parameter.starts_with("decoder.layer_norm")) return layer_count() - 1;
  if (parameter.starts_with("encoder.layer_norm")) return config_.encoder_layers;
  return 1 + block_index(parameter, "encoder.layers.", -1);
}

// fairseq's files have the tied copies, a version, and a mark of the positions.
WeightPlace FairseqSeq2Seq::place_weight(const std::string& in_file) const {
  if (in_file.ends_with(".version") || in_file.find(".embed_positions.") != std::string::npos)
    return {in_file, WeightUse::kIgnore};
  const std::string words = config_.share_encoder_decoder_embeddings
                                ? "encoder.embed_tokens.weight"
                                : "decoder.embed_tokens.weight";
  for (const char* copy :
       {"decoder.embed_tokens.weight", "decoder.output_projection.weight", "decoder.embed_out"})
    if (in_file == copy) return {words};
  return {in_file};
}

}  // namespace braid::models
