// The vocabulary's convolutional blocks.
#include <fmt/format.h>

#include "braid/models/vision/composer/blocks.h"
#include "braid/nn/block/convnext_block.h"
#include "braid/nn/block/efficientnet_blocks.h"
#include "braid/nn/block/mbconv_block.h"
#include "braid/nn/block/resnet_block.h"

namespace braid::models {
namespace {

const std::vector<std::string> kActs = {"relu", "relu6", "silu", "gelu", "hard_swish"};

BlockPtr basic(const text::StageOptions&, const BlockPlace& place) {
  return std::make_shared<nn::ResNetBlockImpl>(nn::ResNetBlockConfig{.in_chs = place.in_chs,
                                                                     .width = place.out_chs,
                                                                     .stride = place.stride,
                                                                     .drop_path = place.drop_path});
}

BlockPtr bottleneck(const text::StageOptions& options, const BlockPlace& place) {
  constexpr int64_t kExpansion = 4;
  if (place.out_chs % kExpansion != 0)
    options.fail("", fmt::format("expected channels that {} divides in a bottleneck, got {}",
                                 kExpansion, place.out_chs));
  return std::make_shared<nn::ResNetBlockImpl>(
      nn::ResNetBlockConfig{.in_chs = place.in_chs,
                            .width = place.out_chs / kExpansion,
                            .stride = place.stride,
                            .bottleneck = true,
                            .drop_path = place.drop_path});
}

// CoAtNet's, with its settings.
BlockPtr mbconv(const text::StageOptions& options, const BlockPlace& place) {
  const auto act = nn::parse_act(options.word("act", "silu", kActs));
  return std::make_shared<nn::MbConvBlockImpl>(
      nn::MbConvBlockConfig{.in_chs = place.in_chs,
                            .out_chs = place.out_chs,
                            .stride = place.stride,
                            .stride_mode = nn::StrideMode::kPool,
                            .kernel_size = options.odd("kernel_size", 3),
                            .expand_ratio = options.ratio("expand_ratio", 4),
                            .expand_output = false,
                            .attn_ratio = options.number("se_ratio", 0.25),
                            .attn_act = act,
                            .act = act,
                            .drop_path = place.drop_path});
}

nn::MobileBlockConfig mobile_config(const text::StageOptions& options, const BlockPlace& place) {
  return {.in_chs = place.in_chs,
          .out_chs = place.out_chs,
          .kernel_size = options.odd("kernel_size", 3),
          .stride = place.stride,
          .exp_ratio = options.ratio("expand_ratio", 4),
          .act = nn::parse_act(options.word("act", "silu", kActs)),
          .se = {.ratio = options.number("se_ratio", 0)},
          .drop_path = place.drop_path};
}

BlockPtr inverted_residual(const text::StageOptions& options, const BlockPlace& place) {
  return std::make_shared<nn::InvertedResidualImpl>(mobile_config(options, place));
}

BlockPtr fused_mbconv(const text::StageOptions& options, const BlockPlace& place) {
  return std::make_shared<nn::EdgeResidualImpl>(mobile_config(options, place));
}

BlockPtr convnext(const text::StageOptions& options, const BlockPlace& place) {
  return behind_transition(place, std::make_shared<nn::ConvNeXtBlockImpl>(nn::ConvNeXtBlockConfig{
                                      .in_chs = place.out_chs,
                                      .kernel_size = options.odd("kernel_size", 7),
                                      .mlp_ratio = options.ratio("expand_ratio", 4),
                                      .drop_path = place.drop_path}));
}

}  // namespace

const std::vector<BlockKind>& convolution_blocks() {
  static const std::vector<BlockKind> kKinds = {
      {'B', {}, basic},
      {'N', {}, bottleneck},
      {'C', {"kernel_size", "expand_ratio", "se_ratio", "act"}, mbconv},
      {'I', {"kernel_size", "expand_ratio", "se_ratio", "act"}, inverted_residual},
      {'F', {"kernel_size", "expand_ratio", "se_ratio", "act"}, fused_mbconv},
      {'X', {"kernel_size", "expand_ratio"}, convnext}};
  return kKinds;
}

}  // namespace braid::models
