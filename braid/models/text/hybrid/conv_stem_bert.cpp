#include "braid/models/text/hybrid/conv_stem_bert.h"

#include "braid/models/text/headed_text_encoder.h"
#include "braid/models/text/text_entry.h"
#include "braid/models/validate.h"
#include "braid/nn/basic/activation.h"
#include "braid/nn/basic/dropout.h"
#include "braid/nn/basic/init.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/basic/register_at.h"
#include "braid/nn/conv/token_conv.h"

namespace braid::models {
namespace {

using torch::Tensor;

ConvStemBertConfig checked_stem(const ConvStemBertConfig& config) {
  Validator("conv_stem_bert")
      .between("stem_depth", config.stem_depth, int64_t{1}, int64_t{100})
      .odd("stem_kernel_size", config.stem_kernel_size, 1025);
  return config;
}

// x + pointwise(gelu(depthwise(norm(x)))).
class TextStemBlock : public torch::nn::Module {
 public:
  explicit TextStemBlock(const ConvStemBertConfig& config) : drop_(config.hidden_dropout_prob) {
    const int64_t D = config.hidden_size;
    norm_ = register_module("norm", nn::layer_norm(D, config.layer_norm_eps));
    depthwise_ = register_module(
        "depthwise",
        torch::nn::Conv1d(
            torch::nn::Conv1dOptions(D, D, config.stem_kernel_size).groups(D).bias(false)));
    pointwise_ = register_module("pointwise", torch::nn::Linear(D, D));
    nn::init_linear_(pointwise_, config.initializer_range);
  }

  Tensor forward(const Tensor& x, const Tensor& mask) {
    const auto kernels = depthwise_->weight.squeeze(1);  // [D,K]
    const auto y = nn::token_convolution(nn::zero_padding(norm_->forward(x), mask), kernels,
                                         kernels.size(1) / 2);
    return x +
           nn::dropout(pointwise_->forward(nn::activate(y, nn::Act::kGelu)), drop_, is_training());
  }

 private:
  double drop_;
  torch::nn::LayerNorm norm_{nullptr};
  torch::nn::Conv1d depthwise_{nullptr};
  torch::nn::Linear pointwise_{nullptr};
};

}  // namespace

void ConvStemBertConfig::visit(FieldVisitor& v) {
  BertConfig::visit(v);
  v.field("stem_depth", stem_depth, "blocks of the convolutional stem");
  v.field("stem_kernel_size", stem_kernel_size, "tokens that a block of the stem sees, odd");
}

ConvStemBert::ConvStemBert(const ConvStemBertConfig& config)
    : Bert(checked_stem(config)), stem_config_(config) {
  for (int64_t i = 0; i < config.stem_depth; ++i) {
    const auto block = std::make_shared<TextStemBlock>(config);
    nn::register_at(*this, "bert.stem." + std::to_string(i), block);
    stem_.emplace_back(
        [block](const Tensor& x, const Tensor& mask) { return block->forward(x, mask); });
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
  for (const auto& block : stem_) x = block(x, mask);
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
