#include "braid/models/text/hybrid/conv_stem_bert.h"

#include "braid/models/text/headed_text_encoder.h"
#include "braid/models/text/text_entry.h"
#include "braid/models/validate.h"
#include "braid/nn/basic/register_at.h"

namespace braid::models {
namespace {

using torch::Tensor;

ConvStemBertConfig checked_stem(const ConvStemBertConfig& config) {
  Validator("conv_stem_bert")
      .between("stem_depth", config.stem_depth, int64_t{1}, int64_t{100})
      .odd("stem_kernel_size", config.stem_kernel_size, 1025);
  return config;
}

}  // namespace

void ConvStemBertConfig::visit(FieldVisitor& v) {
  BertConfig::visit(v);
  v.field("stem_depth", stem_depth, "blocks of the convolutional stem");
  v.field("stem_kernel_size", stem_kernel_size, "tokens that a block of the stem sees, odd");
}

ConvStemBert::ConvStemBert(const ConvStemBertConfig& config)
    : Bert(checked_stem(config)), stem_config_(config) {
  for (int64_t i = 0; i < config.stem_depth; ++i) {
    stem_.emplace_back(nn::SeparableTokenBlockConfig{.dim = config.hidden_size,
                                                     .kernel_size = config.stem_kernel_size,
                                                     .norm_eps = config.layer_norm_eps,
                                                     .drop = config.hidden_dropout_prob,
                                                     .init_std = config.initializer_range});
    nn::register_at(*this, "bert.stem." + std::to_string(i), stem_.back().ptr());
  }
}

Json ConvStemBert::config() const {
  auto config = stem_config_;
  static_cast<BertConfig&>(config) = config_;  // whose head may be another by now
  return to_json(config);
}

// A file of BERT itself has no stem.
bool ConvStemBert::may_begin_fresh(const std::string& name) const {
  return name.starts_with("bert.stem.") || Bert::may_begin_fresh(name);
}

Tensor ConvStemBert::embed(const TextInput& input) {
  auto x = Bert::embed(input);
  const auto mask = token_mask(input);
  for (auto& block : stem_) x = block->forward(x, mask);
  return x;
}

void add_conv_stem_bert(Registry& table) {
  const auto add = [&](const char* name, int64_t layers, int64_t size) {
    ConvStemBertConfig config;
    config.hidden_size = size;
    config.num_hidden_layers = layers;
    config.num_attention_heads = size / 64;
    config.intermediate_size = 4 * size;
    table.add(text_entry<ConvStemBert>(name, Family::kHybrid, Fusion::kSerial, config));
  };
  add("conv_stem_bert_mini", 4, 256);
  add("conv_stem_bert_small", 4, 512);
}

}  // namespace braid::models
