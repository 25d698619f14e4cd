#include "braid/models/vision/composer/blocks.h"

#include "braid/core/error.h"
#include "braid/nn/conv/conv_norm_act.h"

namespace braid::models {
namespace {

class TransitionImpl : public nn::BlockImpl {
 public:
  TransitionImpl(const BlockPlace& place, const BlockPtr& block) {
    down_ = register_module("down", nn::ConvNormAct(nn::ConvNormActConfig{.in_chs = place.in_chs,
                                                                          .out_chs = place.out_chs,
                                                                          .kernel_size = 3,
                                                                          .stride = place.stride}));
    block_ = register_module("block", block);
  }
  torch::Tensor forward(const torch::Tensor& x) override {
    return block_->forward(down_->forward(x));
  }

 private:
  nn::ConvNormAct down_{nullptr};
  BlockPtr block_;
};

const BlockKind& find_kind(char letter) {
  for (const auto* kinds : {&convolution_blocks(), &attention_blocks()})
    for (const auto& kind : *kinds)
      if (kind.letter == letter) return kind;
  throw InternalError("braidnet", std::string("no block has the letter ") + letter);
}

}  // namespace

BlockPtr build_block(char letter, const text::StageOptions& options, const BlockPlace& place) {
  return find_kind(letter).build(options, place);
}

void check_options(const text::Design& design, const text::StageDesign& stage) {
  std::vector<std::string> known = {"stride"};
  for (const char letter : stage.blocks)
    for (const char* name : find_kind(letter).options) known.emplace_back(name);
  text::StageOptions(design, stage).expect_known(known, "block " + stage.blocks);
}

BlockPtr behind_transition(const BlockPlace& place, const BlockPtr& block) {
  if (place.stride == 1 && place.in_chs == place.out_chs) return block;
  return std::make_shared<TransitionImpl>(place, block);
}

}  // namespace braid::models
