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

ComposedBlock basic(const text::StageOptions&, const BlockPlace& place) {
  return compose(nn::ResNetBlock(nn::ResNetBlockConfig{.in_chans = place.in_chans,
                                                       .width = place.out_chans,
                                                       .stride = place.stride,
                                                       .drop_path_rate = place.drop_path}));
}

ComposedBlock bottleneck(const text::StageOptions& options, const BlockPlace& place) {
  constexpr int64_t kExpansion = 4;
  if (place.out_chans % kExpansion != 0)
    options.fail("", fmt::format("expected channels that {} divides in a bottleneck, got {}",
                                 kExpansion, place.out_chans));
  return compose(nn::ResNetBlock(nn::ResNetBlockConfig{.in_chans = place.in_chans,
                                                       .width = place.out_chans / kExpansion,
                                                       .stride = place.stride,
                                                       .bottleneck = true,
                                                       .drop_path_rate = place.drop_path}));
}

// CoAtNet's, with its settings.
ComposedBlock mbconv(const text::StageOptions& options, const BlockPlace& place) {
  const auto act = nn::parse_act(options.word("act", "silu", kActs));
  return compose(
      nn::MbConvBlock(nn::MbConvBlockConfig{.in_chs = place.in_chans,
                                            .out_chs = place.out_chans,
                                            .stride = place.stride,
                                            .stride_mode = nn::StrideMode::kPool,
                                            .kernel_size = options.odd("kernel_size", 3),
                                            .expand_ratio = options.ratio("expand_ratio", 4),
                                            .expand_output = false,
                                            .attn_ratio = options.number("se_ratio", 0.25),
                                            .attn_act = act,
                                            .act = act,
                                            .drop_path = place.drop_path}));
}

nn::MobileBlockConfig mobile_config(const text::StageOptions& options, const BlockPlace& place) {
  return {.in_chs = place.in_chans,
          .out_chs = place.out_chans,
          .kernel_size = options.odd("kernel_size", 3),
          .stride = place.stride,
          .exp_ratio = options.ratio("expand_ratio", 4),
          .act = nn::parse_act(options.word("act", "silu", kActs)),
          .se = {.ratio = options.number("se_ratio", 0)},
          .drop_path_rate = place.drop_path};
}

ComposedBlock inverted_residual(const text::StageOptions& options, const BlockPlace& place) {
  return compose(nn::InvertedResidual(mobile_config(options, place)));
}

ComposedBlock fused_mbconv(const text::StageOptions& options, const BlockPlace& place) {
  return compose(nn::EdgeResidual(mobile_config(options, place)));
}

ComposedBlock convnext(const text::StageOptions& options, const BlockPlace& place) {
  return behind_transition(place, compose(nn::ConvNeXtBlock(nn::ConvNeXtBlockConfig{
                                      .chans = place.out_chans,
                                      .kernel_size = options.odd("kernel_size", 7),
                                      .mlp_ratio = options.ratio("expand_ratio", 4),
                                      .drop_path_rate = place.drop_path})));
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
