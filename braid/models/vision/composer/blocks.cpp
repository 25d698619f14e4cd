#include "braid/models/vision/composer/blocks.h"

#include <algorithm>

#include "braid/core/error.h"
#include "braid/core/near_match.h"
#include "braid/nn/conv/conv.h"

namespace braid::models {
namespace {

const BlockKind& find_kind(char letter) {
  for (const auto* kinds : {&convolution_blocks(), &attention_blocks()})
    for (const auto& kind : *kinds)
      if (kind.letter == letter) return kind;
  throw InternalError("braidnet", std::string("no block has the letter ") + letter);
}

}  // namespace

ComposedBlock build_block(char letter, const text::StageOptions& options, const BlockPlace& place) {
  return find_kind(letter).build(options, place);
}

void check_options(const text::Design& design, const text::StageDesign& stage) {
  std::vector<std::string> known = {"stride"};
  for (const char letter : stage.blocks)
    for (const char* name : find_kind(letter).options) known.emplace_back(name);
  std::string list;
  for (const auto& name : known) list += (list.empty() ? "" : ", ") + name;
  for (const auto& option : stage.options)
    if (std::find(known.begin(), known.end(), option.name) == known.end())
      design.fail(option.at, "unknown option '" + option.name + "' of block " + stage.blocks,
                  did_you_mean(option.name, known, "it knows " + list));
}

ComposedBlock behind_transition(const BlockPlace& place, ComposedBlock block) {
  if (place.stride == 1 && place.in_chans == place.out_chans) return block;
  nn::ConvNormAct down(place.in_chans, place.out_chans,
                       nn::ConvOptions{.kernel = 3, .stride = place.stride}, nn::Act::kIdentity);
  auto both = std::make_shared<torch::nn::Module>();
  both->register_module("down", down);
  both->register_module("block", block.module);
  return {both, [down, forward = block.forward](const torch::Tensor& x) mutable {
            return forward(down->forward(x));
          }};
}

}  // namespace braid::models
