#include "braid/models/text/transformer_encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "braid/models/layer_ids.h"
#include "braid/models/validate.h"
#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/dropout.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/basic/register_at.h"
#include "braid/nn/position/sequence_positions.h"
#include "braid/runtime/grad_checkpoint.h"

namespace braid::models {
namespace {

using torch::Tensor;

constexpr std::array kTextHeadValues = {TextHead::kNone,
                                        TextHead::kSequenceClassification,
                                        TextHead::kTokenClassification,
                                        TextHead::kQuestionAnswering,
                                        TextHead::kMaskedLm,
                                        TextHead::kPreTraining};

bool lies_in(const std::string& name, const std::string& module) {
  return name.size() > module.size() && name.starts_with(module) && name[module.size()] == '.';
}

void draw(torch::nn::Module& module, double std) {
  const torch::NoGradGuard no_grad;
  for (const auto& child : module.modules()) {
    if (auto* linear = child->as<torch::nn::LinearImpl>()) {
      linear->weight.normal_(0, std);
      if (linear->bias.defined()) linear->bias.zero_();
    }
    if (auto* table = child->as<torch::nn::EmbeddingImpl>()) {
      table->weight.normal_(0, std);
      if (const auto pad = table->options.padding_idx()) table->weight[*pad].zero_();
    }
  }
}

}  // namespace

TransformerEncoder::TransformerEncoder(const TransformerEncoderConfig& body) : body_(body) {
  const int64_t head_dim = body_.layer.dim / body_.layer.num_heads;
  if (body_.positions == TextPositions::kRotary && head_dim % 2 != 0)
    Validator(body_.prefix)
        .fail(fmt::format("expected an even number of channels per head for rotary positions, got "
                          "{} of {} heads",
                          head_dim, body_.layer.num_heads));
  root_ = std::make_shared<torch::nn::Module>();
  auto input = body_.embeddings;
  input.max_positions = body_.positions == TextPositions::kAbsolute ? body_.max_positions : 0;
  input.sinusoidal = body_.positions == TextPositions::kSinusoidal;
  embeddings = root_->register_module("embeddings", TextEmbeddings(input));
  if (input.dim != body_.layer.dim)
    embeddings_project_ =
        root_->register_module("embeddings_project", torch::nn::Linear(input.dim, body_.layer.dim));
  if (body_.positions == TextPositions::kRelativeBias)
    relative_attention_bias_ = root_->register_module(
        "relative_attention_bias",
        torch::nn::Embedding(nn::DistanceBuckets().num_buckets, body_.layer.num_heads));
  for (const double rate : nn::drop_path_rates(body_.drop_path_rate, body_.depth)) {
    auto layer = body_.layer;
    layer.drop_path = rate;
    layers_.emplace_back(layer, body_.mixer ? body_.mixer() : nullptr);
    nn::register_at(*root_, body_.layers + "." + std::to_string(layers_.size() - 1),
                    layers_.back().ptr());
  }
  draw(*root_, body_.init_std);
  register_module(body_.prefix, root_);
}

Tensor TransformerEncoder::embed(const TextInput& input) {
  const auto x = embeddings->forward(input);  // [B,N,E]
  return embeddings_project_ ? embeddings_project_->forward(x) : x;
}

nn::TokenMixerArgs TransformerEncoder::mixer_args(const TextInput& input, const Tensor& x) {
  const int64_t N = x.size(1), heads = body_.layer.num_heads;
  nn::TokenMixerArgs args;
  if (input.attention_mask.defined()) args.key_padding = input.attention_mask.ne(0);  // [B,N]
  if (body_.positions == TextPositions::kRotary)
    args.rotary = nn::sequence_rotary(N, body_.layer.dim / heads, x.options());
  if (body_.positions == TextPositions::kAlibi)
    args.bias = nn::alibi_bias(heads, N, N, x.options());
  if (relative_attention_bias_) args.bias = nn::distance_bias(relative_attention_bias_, N);
  return args;
}

Tensor TransformerEncoder::forward_features(const TextInput& input) {
  check_text_input(input, *this);
  auto x = embed(input);  // [B,N,D]
  nn::TransformerLayerArgs args{.mixer = mixer_args(input, x)};
  for (const auto& layer : layers_) {
    auto run = [layer = layer, args](const std::vector<Tensor>& inputs) mutable {
      if (inputs.size() > 1) args.mixer.bias = inputs[1];
      return layer->forward(inputs[0], args);
    };
    std::vector<Tensor> inputs = {x};
    if (args.mixer.bias.defined()) inputs.push_back(args.mixer.bias);  // it may learn
    x = runtime::checkpoint_if(checkpointing(), run, inputs);
  }
  return x;
}

bool TransformerEncoder::supports(TextHead head) const { return parts_of(head).supported; }

// The name with the prefix and with today's names of norms.
std::string TransformerEncoder::full_name(const std::string& in_file) const {
  std::string name = in_file;
  for (const auto& [old, now] : {std::pair("LayerNorm.gamma", "LayerNorm.weight"),
                                 std::pair("LayerNorm.beta", "LayerNorm.bias")})
    if (name.ends_with(old))
      name.replace(name.size() - std::string(old).size(), std::string::npos, now);
  if (lies_in(name, body_.prefix) || !part_of(name).empty()) return name;
  return body_.prefix + "." + name;
}

// The longest of the heads' modules in which the tensor lies; empty: the body has it.
std::string TransformerEncoder::part_of(const std::string& name) const {
  std::string found;
  for (const auto head : kTextHeadValues) {
    const auto parts = parts_of(head);
    for (const auto* modules : {&parts.own, &parts.pooling})
      for (const auto& module : *modules)
        if (lies_in(name, module) && module.size() > found.size()) found = module;
  }
  return found;
}

WeightPlace TransformerEncoder::place_weight(const std::string& in_file) const {
  const auto name = full_name(in_file);
  for (const auto& [other, own] : tied_weights())
    if (name == other) return {own};
  if (name.ends_with(".position_ids") || name.ends_with(".token_type_ids"))
    return {name, WeightUse::kIgnore};
  const auto part = part_of(name);
  if (part.empty()) return {name};
  const auto parts = parts_of(head());
  const auto has = [&](const std::vector<std::string>& modules) {
    return std::find(modules.begin(), modules.end(), part) != modules.end();
  };
  return {name, has(parts.own) || has(parts.pooling) ? WeightUse::kLoad : WeightUse::kOtherHead};
}

bool TransformerEncoder::may_begin_fresh(const std::string& name) const {
  const auto pooling = parts_of(head()).pooling;
  return std::any_of(pooling.begin(), pooling.end(),
                     [&](const std::string& module) { return lies_in(name, module); });
}

TextHead TransformerEncoder::infer_head(const std::vector<std::string>& names_in_file) const {
  std::vector<std::string> names;
  for (const auto& name : names_in_file) names.push_back(full_name(name));
  const auto is_there = [&](const std::string& module) {
    return std::any_of(names.begin(), names.end(),
                       [&](const std::string& name) { return lies_in(name, module); });
  };
  TextHead found = TextHead::kNone;
  size_t most = 0;  // modules: heads may contain each other
  for (const auto head : kTextHeadValues) {
    auto parts = parts_of(head);
    auto& modules = parts.own;
    if (!parts.supported || modules.empty()) continue;
    modules.insert(modules.end(), parts.pooling.begin(), parts.pooling.end());
    if (modules.size() <= most || !std::all_of(modules.begin(), modules.end(), is_there)) continue;
    most = modules.size();
    found = head;
  }
  return found;
}

int64_t TransformerEncoder::layer_id(const std::string& parameter) const {
  const auto layers = body_.prefix + "." + body_.layers + ".";
  if (parameter.starts_with(layers)) return block_index(parameter, layers, 0) + 1;
  const bool head = !part_of(parameter).empty() || !lies_in(parameter, body_.prefix);
  return head ? body_.depth + 1 : 0;
}

std::vector<Part> TransformerEncoder::parts() {
  const auto options = torch::TensorOptions().dtype(torch::kLong);
  const int64_t tokens = example_length(*this);
  const auto x = std::make_shared<Tensor>();
  std::vector<Part> parts;
  parts.push_back({.name = body_.prefix + ".embeddings",
                   .text = {},
                   .modules = {body_.prefix + ".embeddings", body_.prefix + ".embeddings_project"},
                   .shape = {tokens, body_.layer.dim},
                   .run = [this, x, tokens, options] {
                     *x = embed({torch::zeros({1, tokens}, options), {}, {}});
                     return x->sizes().slice(1).vec();
                   }});
  for (size_t i = 0; i < layers_.size(); ++i) {
    const auto name = body_.prefix + "." + body_.layers + "." + std::to_string(i);
    parts.push_back({.name = name,
                     .text = {},
                     .modules = {name},
                     .shape = {tokens, body_.layer.dim},
                     .run = [this, x, i] {
                       *x = layers_[i]->forward(*x, {.mixer = mixer_args({}, *x)});
                       return x->sizes().slice(1).vec();
                     }});
  }
  return parts;
}

torch::nn::Linear TransformerEncoder::head_linear(const std::string& path, int64_t in,
                                                  int64_t out) {
  torch::nn::Linear layer(in, out);
  draw(*layer, body_.init_std);
  layer->train(is_training());
  nn::register_at(*this, path, layer.ptr());
  return layer;
}

torch::nn::LayerNorm TransformerEncoder::head_norm(const std::string& path, int64_t dim) {
  auto layer = nn::layer_norm(dim, body_.layer.norm_eps);
  layer->train(is_training());
  nn::register_at(*this, path, layer.ptr());
  return layer;
}

Tensor TransformerEncoder::head_bias(const std::string& path, int64_t count) {
  const auto module = std::make_shared<torch::nn::Module>();
  module->train(is_training());
  nn::register_at(*this, path, module);
  return module->register_parameter("bias", torch::zeros({count}));
}

void TransformerEncoder::drop_modules(const std::vector<std::string>& names) {
  for (const auto& name : names)
    if (named_children().contains(name)) unregister_module(name);
}

void TransformerEncoder::drop_body_module(const std::string& name) {
  root_->unregister_module(name);
}

Tensor TransformerEncoder::dropped(const Tensor& x, double rate) const {
  return nn::dropout(x, rate, is_training());
}

Tensor TransformerEncoder::decode_words(const Tensor& x, const Tensor& bias) const {
  return at::linear(x, embeddings->word_embeddings->weight, bias);
}

}  // namespace braid::models
