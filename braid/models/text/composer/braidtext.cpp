#include "braid/models/text/composer/braidtext.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "braid/core/error.h"
#include "braid/core/near_match.h"
#include "braid/models/design_names.h"
#include "braid/models/layer_ids.h"
#include "braid/models/text/text_entry.h"
#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/position/sequence_positions.h"
#include "braid/runtime/grad_checkpoint.h"

namespace braid::models {
namespace {

using torch::Tensor;

constexpr const char* kTextPrefix = "braidtext:";
constexpr double kDesignNormEps = 1e-12;  // BERT's

text::StageOptions embedding_options(const text::TextDesign& design) {
  return {design, design.embedding};
}

HeadedEncoderConfig braidtext_body(const BraidTextConfig& config, const text::TextDesign& design) {
  Validator("braidtext")
      .between("vocab_size", config.vocab_size, int64_t{1}, kMaxClasses)
      .rate("drop_rate", config.drop_rate)
      .rate("attn_drop_rate", config.attn_drop_rate)
      .rate("proj_drop_rate", config.proj_drop_rate)
      .rate("drop_path_rate", config.drop_path_rate);
  return {.model = "braidtext",
          .vocab_size = config.vocab_size,
          .pad_token_id = config.pad_token_id,
          .num_features = design.stages.back().width,
          .dropout = config.drop_rate};
}

TextPositions positions_of(const text::TextDesign& design) {
  const auto options = embedding_options(design);
  return parse_text_positions(options.word("pos", "absolute", text_positions_names()));
}

BraidTextConfig text_config_of(const text::TextDesign& design) {
  BraidTextConfig config;
  config.design = text::to_line(design);
  config.vocab_size =
      embedding_options(design).integer("vocab_size", config.vocab_size, 1, kMaxClasses);
  return config;
}

ModelEntry text_entry_of(const std::string& name, const BraidTextConfig& config) {
  return text_entry<BraidText>(name, Family::kHybrid, Fusion::kInterleaved, config);
}

}  // namespace

void BraidTextConfig::visit(FieldVisitor& v) {
  visit_headed_fields(*this, v);
  v.field("design", design, "embedding, stages, head and pooling, such as embed=128|T2x128h4");
  v.field("drop_rate", drop_rate, "dropout before the head, 0: none");
  v.field("attn_drop_rate", attn_drop_rate, "dropout of attention weights, 0: none");
  v.field("proj_drop_rate", proj_drop_rate, "dropout of embeddings and blocks, 0: none");
  v.field("drop_path_rate", drop_path_rate, "stochastic depth of the last block, 0: none");
}

BraidText::BraidText(const BraidTextConfig& config)
    : BraidText(config, text::parse_text_design(config.design)) {}

BraidText::BraidText(const BraidTextConfig& config, const text::TextDesign& design)
    : TextEncoderOf(config, braidtext_body(config, design)), design_(design) {
  config_.design = text::to_line(design_);
  build_embeddings();
  build_stages();
  if (design_.head_norm)
    norm_ = register_module("norm", nn::layer_norm(num_features(), kDesignNormEps));
  begin_head(config.head, config.num_labels);
}

void BraidText::build_embeddings() {
  constexpr int64_t kMostPositions = 65536, kLearnedPositions = 512, kTypes = 2;
  const auto options = embedding_options(design_);
  options.expect_known({"pos", "max_positions", "vocab_size", "type_vocab_size", "norm"},
                       "the embedding");
  text_config_of(design_);  // throws for a vocab_size beyond reason
  positions_ = positions_of(design_);
  const bool learned = positions_ == TextPositions::kAbsolute;
  max_positions_ =
      options.integer("max_positions", learned ? kLearnedPositions : 0, 1, kMostPositions);
  const bool sinusoidal = positions_ == TextPositions::kSinusoidal;
  if (sinusoidal && design_.embedding.width % 2 != 0)
    options.fail("pos", fmt::format("expected an even width for sinusoidal positions, got {}",
                                    design_.embedding.width));
  const double root = std::sqrt(static_cast<double>(design_.embedding.width));
  const bool norm = options.word("norm", "layer", {"layer", "none"}) == "layer";
  embeddings = register_module("embeddings",
                               TextEmbeddings(TextEmbeddingsConfig{
                                   .vocab_size = config_.vocab_size,
                                   .dim = design_.embedding.width,
                                   .max_positions = learned ? max_positions_ : 0,
                                   .type_vocab_size = options.integer("type_vocab_size", kTypes, 0),
                                   .pad_token_id = config_.pad_token_id,
                                   .sinusoidal = sinusoidal,
                                   .word_scale = sinusoidal ? root : 1,
                                   .norm = norm,
                                   .norm_eps = kDesignNormEps,
                                   .drop = config_.proj_drop_rate}));
  const torch::NoGradGuard no_grad;
  for (const auto& table : embeddings->children())
    if (auto* layer = table->as<torch::nn::EmbeddingImpl>()) layer->weight.normal_(0, 0.02);
  auto& words = embeddings->word_embeddings->weight;
  // Where sines and cosines are added, words have their size, as in Vaswani et al.; Kim's draw
  // where no norm makes them larger.
  if (sinusoidal)
    words.normal_(0, 1 / root);
  else if (!norm)
    words.uniform_(-0.25, 0.25);
  words[config_.pad_token_id].zero_();
}

void BraidText::build_stages() {
  std::vector<int64_t> depths;
  for (const auto& stage : design_.stages)
    depths.push_back(stage.depth * static_cast<int64_t>(stage.blocks.size()));
  const auto rates = nn::drop_path_rates(config_.drop_path_rate, depths);
  int64_t chans = design_.embedding.width, heads = 0;
  torch::nn::ModuleList stages;
  for (const auto& spec : design_.stages) {
    check_text_options(design_, spec);
    const text::StageOptions options(design_, spec);
    std::vector<TextBlock> stage;
    torch::nn::ModuleList list;
    for (int64_t round = 0; round < spec.depth; ++round)
      for (const char letter : spec.blocks) {
        stage.push_back(build_text_block(letter, options,
                                         {.in_chs = chans,
                                          .out_chs = spec.width,
                                          .number = round,
                                          .depth = spec.depth,
                                          .positions = positions_,
                                          .drop_path = rates[stages_.size()][stage.size()],
                                          .attn_drop = config_.attn_drop_rate,
                                          .proj_drop = config_.proj_drop_rate}));
        list->push_back(stage.back().module);
        chans = spec.width;
        const int64_t own = stage.back().attention_heads;
        if (positions_ == TextPositions::kRelativeBias && own > 0 && heads > 0 && own != heads)
          options.fail("num_heads",
                       fmt::format("expected as many heads as the attention before, {}, which "
                                   "relative_bias has numbers for, got {}",
                                   heads, own));
        heads = std::max(heads, own);
      }
    stages->push_back(list);
    stages_.push_back(std::move(stage));
  }
  register_module("stages", stages);
  if (positions_ != TextPositions::kRelativeBias) return;
  if (heads == 0)
    embedding_options(design_).fail(
        "pos", "expected a block with attention for pos relative_bias, got none");
  relative_attention_bias_ = register_module(
      "relative_attention_bias", torch::nn::Embedding(nn::DistanceBuckets().num_buckets, heads));
  const torch::NoGradGuard no_grad;
  relative_attention_bias_->weight.normal_(0, 0.02);
}

TextBlockArgs BraidText::block_args(const Tensor& x, const Tensor& mask) {
  TextBlockArgs args{.mask = mask};
  if (relative_attention_bias_) args.bias = nn::distance_bias(relative_attention_bias_, x.size(1));
  return args;
}

Tensor BraidText::run_stage(size_t stage, const Tensor& x, const TextBlockArgs& args) {
  auto y = x;
  for (const auto& block : stages_[stage]) {
    std::vector<Tensor> inputs = {y};
    if (args.bias.defined()) inputs.push_back(args.bias);  // which learns, from every block
    const auto run = [forward = block.forward, args](const std::vector<Tensor>& given) {
      return forward(given[0], {.mask = args.mask, .bias = given.size() > 1 ? given[1] : Tensor()});
    };
    y = runtime::checkpoint_if(checkpointing(), run, inputs);
  }
  return y;
}

Tensor BraidText::finish(const Tensor& x) { return norm_ ? norm_->forward(x) : x; }

Tensor BraidText::forward_stages(const Tensor& x, const Tensor& mask) {
  const auto args = block_args(x, mask);
  auto y = x;
  for (size_t i = 0; i < stages_.size(); ++i) y = run_stage(i, y, args);
  return finish(y);
}

Tensor BraidText::forward_features(const TextInput& input) {
  check_text_input(input, *this);
  return forward_stages(embeddings->forward(input), token_mask(input));
}

Tensor BraidText::pool(const Tensor& features, const TextInput& input) {
  if (design_.pool == "first") return features.select(1, 0);
  if (design_.pool == "mean") return HeadedTextEncoder::pool(features, input);
  const auto mask = token_mask(input);
  if (!mask.defined()) return features.amax(1);
  const auto tokens = mask.unsqueeze(-1);  // [B,N,1]
  const auto least = -std::numeric_limits<float>::max();
  const auto most = features.masked_fill(tokens.logical_not(), least).amax(1);
  return most * tokens.sum(1).clamp_max(1).to(most.scalar_type());  // of no token: 0
}

Tensor BraidText::word_embeddings() const {
  if (!embeddings || design_.embedding.width != num_features()) return {};
  return embeddings->word_embeddings->weight;
}

std::vector<std::string> BraidText::no_weight_decay() const {
  std::vector<std::string> names;
  for (const auto& item : named_parameters())
    if (item.key().ends_with("pos_bias_u") || item.key().ends_with("pos_bias_v"))
      names.push_back(item.key());
  return names;
}

int64_t BraidText::layer_id(const std::string& parameter) const {
  const auto depth = static_cast<int64_t>(stages_.size());
  if (parameter.starts_with("embeddings.") || parameter.starts_with("relative_attention_bias."))
    return 0;
  if (parameter.starts_with("norm.")) return depth;
  return block_index(parameter, "stages.", depth) + 1;
}

std::vector<Part> BraidText::parts() {
  // What one part returns is what the next one takes.
  const int64_t tokens = example_length(*this);
  const auto x = std::make_shared<Tensor>();
  std::vector<Part> parts;
  const auto add = [&](const std::string& name, const std::string& text,
                       const std::vector<std::string>& modules, const auto& forward) {
    parts.push_back({name, text, modules, {}, [x, forward] {
                       *x = forward(*x);
                       return (*x)[0].sizes().vec();
                     }});
  };
  const auto items = design_items(config_.design);
  add("embeddings", items[0], {"embeddings", "relative_attention_bias"},
      [this, tokens](const Tensor&) {
        const auto options = torch::TensorOptions().dtype(torch::kLong);
        return embeddings->forward({torch::zeros({1, tokens}, options), {}, {}});
      });
  for (size_t i = 0; i < stages_.size(); ++i) {
    const auto name = fmt::format("stages.{}", i);
    add(name, items[i + 1], {name},
        [this, i](const Tensor& y) { return run_stage(i, y, block_args(y, {})); });
  }
  std::string last;  // head=, pool=
  for (size_t i = stages_.size() + 1; i < items.size(); ++i)
    last += (last.empty() ? "" : "|") + items[i];
  auto modules = head_modules();
  modules.emplace_back("norm");
  add("head", last, modules, [this](const Tensor& y) { return forward_head(finish(y), {}); });
  return parts;
}

ModelEntry braidtext_entry(const text::TextDesign& design) {
  const auto config = text_config_of(design);
  return checked_design(kTextPrefix + config.design, [&](const std::string& name) {
    auto small = config;
    small.vocab_size = 1;  // what it costs to be checked does not grow with the words
    const BraidText checked(small, design);
    return text_entry_of(name, config);
  });
}

void add_braidtext(Registry& table) {
  table.add(text_entry_of("braidtext", BraidTextConfig()));
  table.add_resolver(design_resolver(kTextPrefix, [](const std::string& line) {
    return braidtext_entry(text::parse_text_design(line));
  }));
}

}  // namespace braid::models
