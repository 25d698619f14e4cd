#include "braid/models/text/composer/text_blocks.h"

#include <fmt/format.h>

#include <algorithm>

#include "braid/core/error.h"
#include "braid/nn/attention/long_short_attention.h"
#include "braid/nn/attention/mixed_attention.h"
#include "braid/nn/basic/init.h"
#include "braid/nn/block/conformer_layer.h"
#include "braid/nn/block/separable_token_block.h"
#include "braid/nn/block/transformer_layer.h"
#include "braid/nn/conv/lightweight_conv.h"
#include "braid/nn/conv/text_convs.h"
#include "braid/nn/position/sequence_positions.h"

namespace braid::models {
namespace {

using torch::Tensor;

constexpr int64_t kMostTokens = 1025;  // of a kernel
constexpr double kBertNormEps = 1e-12;
constexpr double kFairseqNormEps = 1e-5;
const std::vector<std::string> kTextActs = {"relu", "relu6", "silu", "gelu", "gelu_tanh"};

using Mixer = std::shared_ptr<nn::TokenMixerImpl>;

// Of blocks that give one half of the channels to attention and the other to a convolution.
int64_t halves_heads_of(const text::StageOptions& options, int64_t width) {
  if (width % 2 != 0)
    options.fail(
        "",
        fmt::format("expected channels that 2 divides in a block of two halves, got {}", width));
  return options.heads_of(width / 2);
}

// One size for all blocks of a stage, or one for each round.
int64_t kernel_of(const text::StageOptions& options, const TextBlockPlace& place,
                  int64_t otherwise) {
  const auto sizes = options.integers("kernel_size", {otherwise});
  for (const int64_t size : sizes)
    if (size % 2 == 0 || size > kMostTokens)
      options.fail("kernel_size",
                   fmt::format("expected an odd kernel_size up to {}, got {}", kMostTokens, size));
  if (sizes.size() == 1) return sizes[0];
  if (static_cast<int64_t>(sizes.size()) != place.depth)
    options.fail("kernel_size",
                 fmt::format("expected one kernel_size or one for each of {} rounds, "
                             "got {}",
                             place.depth, sizes.size()));
  return sizes[static_cast<size_t>(place.number)];
}

int64_t hidden_of(const text::StageOptions& options, const TextBlockPlace& place,
                  double otherwise) {
  const double ratio = options.ratio("expand_ratio", otherwise);
  return std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(place.out_chs) * ratio));
}

nn::Act text_act_of(const text::StageOptions& options, const char* otherwise) {
  return nn::parse_act(options.word("act", otherwise, kTextActs));
}

// The first weights: BERT's normal ones, or fairseq's by Xavier Glorot.
enum class LinearInit { kNormal, kXavier };

void draw_linear_layers(const torch::nn::Module& module, LinearInit init) {
  const torch::NoGradGuard no_grad;
  for (const auto& child : module.modules())
    if (auto* linear = child->as<torch::nn::LinearImpl>()) {
      if (init == LinearInit::kNormal)
        linear->weight.normal_(0, 0.02);
      else
        torch::nn::init::xavier_uniform_(linear->weight);
      if (linear->bias.defined()) linear->bias.zero_();
    }
}

// What an attention over `heads` heads of `head_dim` channels knows beside the tokens.
nn::TokenMixerArgs attention_args(const Tensor& x, const TextBlockArgs& args,
                                  TextPositions positions, int64_t heads, int64_t head_dim) {
  nn::TokenMixerArgs mixer{.key_padding = args.mask, .bias = args.bias};
  if (positions == TextPositions::kRotary)
    mixer.rotary = nn::sequence_rotary(x.size(1), head_dim, x.options());
  if (positions == TextPositions::kAlibi)
    mixer.bias = nn::alibi_bias(heads, x.size(1), x.size(1), x.options());
  return mixer;
}

void expect_rotary_fits(const text::StageOptions& options, const TextBlockPlace& place,
                        int64_t head_dim) {
  if (place.positions == TextPositions::kRotary && head_dim % 2 != 0)
    options.fail("num_heads", fmt::format("expected an even number of channels per head for rotary "
                                          "positions, got {}",
                                          head_dim));
}

// A Transformer layer around `mixer`, or around attention; heads and head_dim: of the attention,
// 0: it has none.
struct LayerParts {
  Mixer mixer = nullptr;
  int64_t heads = 0, head_dim = 0;
  double expand_ratio = 4;
  const char* act = "gelu";
  LinearInit init = LinearInit::kNormal;
  double norm_eps = kBertNormEps;
  nn::TransformerLayerKeys keys = {};
};
TextBlock layer_around(const text::StageOptions& options, const TextBlockPlace& place,
                       const LayerParts& parts) {
  nn::TransformerLayer layer(
      nn::TransformerLayerConfig{.dim = place.out_chs,
                                 .num_heads = std::max<int64_t>(1, parts.heads),
                                 .mlp_dim = hidden_of(options, place, parts.expand_ratio),
                                 .act = text_act_of(options, parts.act),
                                 .pre_norm = options.word("norm", "post", {"post", "pre"}) == "pre",
                                 .norm_eps = parts.norm_eps,
                                 .drop = place.proj_drop,
                                 .attn_drop = place.attn_drop,
                                 .drop_path = place.drop_path,
                                 .keys = parts.keys},
      parts.mixer);
  draw_linear_layers(*layer, parts.init);
  return {.module = layer.ptr(),
          .forward =
              [layer, positions = place.positions, heads = parts.heads, head_dim = parts.head_dim](
                  const Tensor& x, const TextBlockArgs& args) mutable {
                const auto mixer = heads > 0 ? attention_args(x, args, positions, heads, head_dim)
                                             : nn::TokenMixerArgs{.key_padding = args.mask};
                return layer->forward(x, {.mixer = mixer});
              },
          .attention_heads = parts.heads};
}

TextBlock text_transformer(const text::StageOptions& options, const TextBlockPlace& place) {
  const int64_t heads = options.heads_of(place.out_chs);
  expect_rotary_fits(options, place, place.out_chs / heads);
  return layer_around(options, place, {.heads = heads, .head_dim = place.out_chs / heads});
}

TextBlock convbert(const text::StageOptions& options, const TextBlockPlace& place) {
  const int64_t heads = halves_heads_of(options, place.out_chs);
  if (place.positions == TextPositions::kRotary)
    options.fail("",
                 "expected other positions than rotary with a block convbert, as its "
                 "convolution's kernels follow from the queries");
  const auto mixer = std::make_shared<nn::MixedAttentionImpl>(
      nn::MixedAttentionConfig{.dim = place.out_chs,
                               .num_heads = heads,
                               .kernel_size = kernel_of(options, place, 9),
                               .attn_drop = place.attn_drop});
  return layer_around(options, place,
                      {.mixer = mixer, .heads = heads, .head_dim = place.out_chs / 2 / heads});
}

nn::LightweightConvConfig convolution_of(const text::StageOptions& options,
                                         const TextBlockPlace& place) {
  const bool dynamic =
      options.word("conv_type", "lightweight", {"lightweight", "dynamic"}) == "dynamic";
  return {.kernel_size = kernel_of(options, place, 31),
          .dynamic = dynamic,
          .glu = options.integer("glu", 0, 0, 1) == 1};
}

TextBlock long_short(const text::StageOptions& options, const TextBlockPlace& place) {
  const int64_t heads = halves_heads_of(options, place.out_chs);
  const int64_t head_dim = place.out_chs / 2 / heads;
  expect_rotary_fits(options, place, head_dim);
  const auto mixer = std::make_shared<nn::LongShortAttentionImpl>(
      nn::LongShortAttentionConfig{.dim = place.out_chs,
                                   .num_heads = heads,
                                   .attn_drop = place.attn_drop,
                                   .convolution = convolution_of(options, place)});
  return layer_around(options, place,
                      {.mixer = mixer,
                       .heads = heads,
                       .head_dim = head_dim,
                       .expand_ratio = 1,
                       .act = "relu",
                       .init = LinearInit::kXavier,
                       .norm_eps = kFairseqNormEps});
}

TextBlock lightconv(const text::StageOptions& options, const TextBlockPlace& place) {
  auto config = convolution_of(options, place);
  config.dim = place.out_chs;
  config.num_heads = options.heads_of(place.out_chs);
  config.conv_key = "conv";
  return layer_around(
      options, place,
      {.mixer = std::make_shared<nn::LightweightConvImpl>(config),
       .expand_ratio = 2,
       .act = "relu",
       .init = LinearInit::kXavier,
       .norm_eps = kFairseqNormEps,
       .keys = {.mixer = "", .mixer_norm = "layer_norms.0", .mlp_norm = "layer_norms.1"}});
}

TextBlock conformer(const text::StageOptions& options, const TextBlockPlace& place) {
  const int64_t heads = options.heads_of(place.out_chs);
  if (place.out_chs / heads % 2 != 0)
    options.fail("num_heads", fmt::format("expected an even number of channels per head, got {}",
                                          place.out_chs / heads));
  const auto pos = options.word("pos", "relative", {"relative", "rotary", "none"});
  const nn::ConformerLayerConfig config{.dim = place.out_chs,
                                        .num_heads = heads,
                                        .mlp_dim = hidden_of(options, place, 4),
                                        .kernel_size = kernel_of(options, place, 31),
                                        .act = text_act_of(options, "silu"),
                                        .positions = nn::parse_conformer_positions(pos),
                                        .drop = place.proj_drop,
                                        .act_drop = place.proj_drop,
                                        .attn_drop = place.attn_drop,
                                        .conv_drop = place.proj_drop,
                                        .drop_path = place.drop_path};
  nn::ConformerLayer layer(config);
  draw_linear_layers(*layer, LinearInit::kNormal);
  return {.module = layer.ptr(),
          .forward = [layer, config](const Tensor& x, const TextBlockArgs& args) mutable {
            return layer->forward(
                x, {.mask = args.mask,
                    .positions = nn::conformer_positions(config, x.size(1), x.options())});
          }};
}

TextBlock textcnn(const text::StageOptions& options, const TextBlockPlace& place) {
  const auto sizes = options.integers("kernel_sizes", {3, 4, 5});
  for (const int64_t size : sizes)
    if (size > kMostTokens)
      options.fail("kernel_sizes",
                   fmt::format("expected kernel_sizes up to {}, got {}", kMostTokens, size));
  const auto count = static_cast<int64_t>(sizes.size());
  if (place.out_chs % count != 0)
    options.fail(
        options.has("kernel_sizes") ? "kernel_sizes" : "",
        fmt::format("expected channels that {} kernel_sizes divide, got {}", count, place.out_chs),
        fmt::format("for example {}", (place.out_chs + count - 1) / count * count));
  nn::TextConvs convs(nn::TextConvsConfig{
      .in_features = place.in_chs, .num_filters = place.out_chs / count, .kernel_sizes = sizes});
  return {.module = convs.ptr(),
          .forward = [convs](const Tensor& x, const TextBlockArgs& args) mutable {
            return convs->forward(x, args.mask);
          }};
}

TextBlock separable(const text::StageOptions& options, const TextBlockPlace& place) {
  nn::SeparableTokenBlock block(
      nn::SeparableTokenBlockConfig{.dim = place.out_chs,
                                    .kernel_size = kernel_of(options, place, 5),
                                    .norm_eps = kBertNormEps,
                                    .drop = place.proj_drop,
                                    .drop_path = place.drop_path});
  return {.module = block.ptr(),
          .forward = [block](const Tensor& x, const TextBlockArgs& args) mutable {
            return block->forward(x, args.mask);
          }};
}

struct TextBlockKind {
  char letter;                       // as in text_block_names()
  std::vector<const char*> options;  // that it knows
  TextBlock (*build)(const text::StageOptions& options, const TextBlockPlace& place);
  bool narrows = false;  // takes other channels than it gives
};
const std::vector<TextBlockKind>& text_block_kinds() {
  static const std::vector<TextBlockKind> kKinds = {
      {'T', {"num_heads", "expand_ratio", "act", "norm"}, text_transformer},
      {'E', {"num_heads", "expand_ratio", "kernel_size", "act", "norm"}, convbert},
      {'S', {"num_heads", "expand_ratio", "kernel_size", "pos", "act"}, conformer},
      {'H',
       {"num_heads", "expand_ratio", "kernel_size", "conv_type", "glu", "act", "norm"},
       long_short},
      {'K',
       {"num_heads", "expand_ratio", "kernel_size", "conv_type", "glu", "act", "norm"},
       lightconv},
      {'V', {"kernel_sizes"}, textcnn, true},
      {'Z', {"kernel_size"}, separable}};
  return kKinds;
}

const TextBlockKind& find_text_kind(char letter) {
  for (const auto& kind : text_block_kinds())
    if (kind.letter == letter) return kind;
  throw InternalError("braidtext", std::string("no block has the letter ") + letter);
}

// The block behind a linear layer that changes the channels. Keys: proj, block.* there.
TextBlock behind_projection(const TextBlockPlace& place, const TextBlock& block) {
  const auto both = std::make_shared<torch::nn::Module>();
  torch::nn::Linear proj(place.in_chs, place.out_chs);
  both->register_module("proj", proj);
  nn::init_linear_(proj);
  both->register_module("block", block.module);
  return {.module = both,
          .forward = [proj, run = block.forward](
                         const Tensor& x,
                         const TextBlockArgs& args) mutable { return run(proj->forward(x), args); },
          .attention_heads = block.attention_heads};
}

}  // namespace

TextBlock build_text_block(char letter, const text::StageOptions& options,
                           const TextBlockPlace& place) {
  const auto& kind = find_text_kind(letter);
  const auto block = kind.build(options, place);
  return place.in_chs == place.out_chs || kind.narrows ? block : behind_projection(place, block);
}

void check_text_options(const text::DesignSource& design, const text::StageDesign& stage) {
  std::vector<std::string> known;
  for (const char letter : stage.blocks)
    for (const char* name : find_text_kind(letter).options)
      if (std::find(known.begin(), known.end(), name) == known.end()) known.emplace_back(name);
  const text::StageOptions options(design, stage);
  if (options.has("stride"))
    options.fail("stride", "unknown option 'stride' of block " + stage.blocks,
                 "every token keeps its vector: stages of texts have none");
  const bool own = std::find(known.begin(), known.end(), "pos") != known.end();
  if (options.has("pos") && !own)
    options.fail("pos", "unknown option 'pos' of block " + stage.blocks,
                 "positions are an option of the embedding");
  options.expect_known(known, "block " + stage.blocks);
}

}  // namespace braid::models
