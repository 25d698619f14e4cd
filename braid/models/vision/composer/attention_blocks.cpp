// The vocabulary's blocks with attention.
#include <fmt/format.h>

#include <numeric>

#include "braid/models/vision/composer/blocks.h"
#include "braid/models/vision/composer/parallel_stage.h"
#include "braid/models/vision/composer/token_block.h"
#include "braid/nn/block/linear_transformer_block.h"
#include "braid/nn/block/mobilevit_block.h"
#include "braid/nn/block/partition_block.h"
#include "braid/nn/block/transformer_block_2d.h"

namespace braid::models {
namespace {

FeedForward feed_forward_of(const text::StageOptions& options, const char* otherwise) {
  const auto word = options.word("ffn", otherwise, {"mlp", "conv", "leff"});
  if (word == "conv") return FeedForward::kConvolution;
  return word == "leff" ? FeedForward::kLeff : FeedForward::kMlp;
}

TokenBlockConfig token_config(const text::StageOptions& options, const BlockPlace& place) {
  return {.dim = place.out_chs,
          .num_heads = options.heads_of(place.out_chs),
          .mlp_ratio = options.ratio("expand_ratio", 4),
          .feat_size = place.feat_size,
          .attn_drop = place.attn_drop,
          .proj_drop = place.proj_drop,
          .drop_path = place.drop_path};
}

// CoAtNet's block, whose stride is its own.
BlockPtr relative_transformer(const text::StageOptions& options, const BlockPlace& place) {
  const int64_t dim_head = place.out_chs / options.heads_of(place.out_chs);
  if (place.in_chs % dim_head != 0)
    options.fail(
        "num_heads",
        fmt::format("expected heads whose {} channels divide the {} that "
                    "come in",
                    dim_head, place.in_chs),
        fmt::format("for example h{}", place.out_chs / std::gcd(place.in_chs, place.out_chs)));
  return std::make_shared<nn::TransformerBlock2dImpl>(
      nn::TransformerBlock2dConfig{.dim = place.in_chs,
                                   .dim_out = place.out_chs,
                                   .stride = place.stride,
                                   .feat_size = place.feat_size,
                                   .dim_head = dim_head,
                                   .expand_ratio = options.ratio("expand_ratio", 4),
                                   .attn_drop = place.attn_drop,
                                   .proj_drop = place.proj_drop,
                                   .drop_path = place.drop_path});
}

BlockPtr transformer(const text::StageOptions& options, const BlockPlace& place) {
  const auto position =
      options.word("pos", "relative", {"relative", "absolute", "rotary", "conv", "none"});
  auto config = token_config(options, place);
  config.feed_forward = feed_forward_of(options, "mlp");
  if (position == "relative" && config.feed_forward == FeedForward::kMlp)
    return relative_transformer(options, place);
  if (position == "relative") config.position = Position::kRelative;
  if (position == "rotary") {
    config.position = Position::kRotary;
    if (config.dim / config.num_heads % 4 != 0)
      options.fail(
          "num_heads",
          fmt::format("expected a multiple of 4 channels per head for rotary positions, got {}",
                      config.dim / config.num_heads));
  }
  // Absolute and convolutional positions are given once, by the first of a stage's blocks of this
  // kind.
  if (position == "absolute" && place.first) config.position = Position::kAbsolute;
  if (position == "conv" && place.first) config.position = Position::kConvolution;
  return behind_transition(place, std::make_shared<TokenBlockImpl>(config));
}

BlockPtr pooled_key(const text::StageOptions& options, const BlockPlace& place) {
  auto config = token_config(options, place);
  config.sr_ratio = options.integer("sr_ratio", 2);
  config.feed_forward = feed_forward_of(options, "conv");
  return behind_transition(place, std::make_shared<TokenBlockImpl>(config));
}

BlockPtr partition(nn::Partition kind, const text::StageOptions& options, const BlockPlace& place) {
  constexpr int64_t kWindow = 7;
  const auto size = std::min(place.feat_size, options.integer("window_size", kWindow));
  return behind_transition(place, std::make_shared<nn::PartitionBlockImpl>(nn::PartitionBlockConfig{
                                      .dim = place.out_chs,
                                      .partition = kind,
                                      .size = size,
                                      .dim_head = place.out_chs / options.heads_of(place.out_chs),
                                      .expand_ratio = options.ratio("expand_ratio", 4),
                                      .attn_drop = place.attn_drop,
                                      .proj_drop = place.proj_drop,
                                      .drop_path = place.drop_path}));
}

BlockPtr window(const text::StageOptions& options, const BlockPlace& place) {
  return partition(nn::Partition::kWindow, options, place);
}

BlockPtr grid(const text::StageOptions& options, const BlockPlace& place) {
  return partition(nn::Partition::kGrid, options, place);
}

// Linear attention in which all pixels are one group of tokens. Its modules are the block's own.
class PixelTransformerImpl : public nn::LinearTransformerBlockImpl {
 public:
  using nn::LinearTransformerBlockImpl::LinearTransformerBlockImpl;
  torch::Tensor forward(const torch::Tensor& x) override {          // [B,C,H,W] -> [B,C,H,W]
    const auto tokens = nn::to_nhwc(x).flatten(1, 2).unsqueeze(1);  // [B,1,N,C]
    return nn::to_nchw(
        LinearTransformerBlockImpl::forward(tokens).view({x.size(0), x.size(2), x.size(3), -1}));
  }
};

BlockPtr linear(const text::StageOptions& options, const BlockPlace& place) {
  return behind_transition(
      place, std::make_shared<PixelTransformerImpl>(
                 nn::LinearTransformerBlockConfig{.dim = place.out_chs,
                                                  .mlp_ratio = options.ratio("expand_ratio", 2),
                                                  .attn_drop = place.attn_drop,
                                                  .proj_drop = place.proj_drop,
                                                  .drop_path = place.drop_path}));
}

BlockPtr mobilevit(const text::StageOptions& options, const BlockPlace& place) {
  const int64_t dim = options.integer("transformer_dim", place.out_chs * 3 / 2);
  const int64_t heads = options.integer("num_heads", 4);
  if (dim % heads != 0)
    options.fail("transformer_dim",
                 fmt::format("expected channels that {} heads divide, got {}", heads, dim));
  return behind_transition(place, std::make_shared<nn::MobileViTBlockImpl>(nn::MobileViTBlockConfig{
                                      .in_chs = place.out_chs,
                                      .kernel_size = options.odd("kernel_size", 3),
                                      .transformer_dim = dim,
                                      .transformer_depth = options.integer("transformer_depth", 2),
                                      .num_heads = heads,
                                      .mlp_ratio = options.ratio("mlp_ratio", 2),
                                      .patch_size = options.integer("patch_size", 2),
                                      .attn_drop = place.attn_drop,
                                      .proj_drop = place.proj_drop,
                                      .drop_path = place.drop_path}));
}

BlockPtr parallel(const text::StageOptions& options, const BlockPlace& place) {
  if (place.out_chs % 4 != 0)
    options.fail("", fmt::format("expected channels that 4 divides in a parallel stage, got {}",
                                 place.out_chs));
  const int64_t dim = options.integer("embed_dim", place.out_chs);
  return std::make_shared<ParallelStageImpl>(
      ParallelStageConfig{.in_chs = place.in_chs,
                          .out_chs = place.out_chs,
                          .stride = place.stride,
                          .depth = place.depth,
                          .patch_size = options.integer("patch_size", 4),
                          .embed_dim = dim,
                          .num_heads = options.heads_of(dim),
                          .mlp_ratio = options.ratio("expand_ratio", 4),
                          .attn_drop = place.attn_drop,
                          .proj_drop = place.proj_drop,
                          .drop_path = place.drop_path});
}

}  // namespace

const std::vector<BlockKind>& attention_blocks() {
  static const std::vector<BlockKind> kKinds = {
      {'T', {"num_heads", "expand_ratio", "pos", "ffn"}, transformer},
      {'W', {"num_heads", "expand_ratio", "window_size"}, window},
      {'G', {"num_heads", "expand_ratio", "window_size"}, grid},
      {'L', {"expand_ratio"}, linear},
      {'P', {"num_heads", "expand_ratio", "sr_ratio", "ffn"}, pooled_key},
      {'M',
       {"num_heads", "mlp_ratio", "kernel_size", "patch_size", "transformer_dim",
        "transformer_depth"},
       mobilevit},
      {'D', {"num_heads", "expand_ratio", "patch_size", "embed_dim"}, parallel}};
  return kKinds;
}

}  // namespace braid::models
