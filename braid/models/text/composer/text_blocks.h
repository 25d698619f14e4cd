// The composer's vocabulary for texts: builds the blocks that a design names from the layers that
// the named models of texts use.
#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "braid/models/text/text_embeddings.h"
#include "braid/text/stage_options.h"
#include "braid/torch.h"

namespace braid::models {

// What a batch says beside its tokens.
struct TextBlockArgs {
  torch::Tensor mask = {};  // [B,N] bool, true: a token; undefined: all are
  torch::Tensor bias = {};  // of relative_bias: added to attention's products, [1,h,N,N]
};

// Where a block stands.
struct TextBlockPlace {
  int64_t in_chs = 0, out_chs = 0;
  int64_t number = 0;  // of the rounds of its stage
  int64_t depth = 1;   // rounds of its stage
  TextPositions positions = TextPositions::kNone;
  double drop_path = 0;
  double attn_drop = 0;
  double proj_drop = 0;
};

struct TextBlock {
  std::shared_ptr<torch::nn::Module> module;
  // [B,N,C] -> [B,N,C'].
  std::function<torch::Tensor(const torch::Tensor&, const TextBlockArgs&)> forward;
  int64_t attention_heads = 0;  // to which TextBlockArgs::bias is added; 0: to none
};

// letter: one of text_block_names(). Throws ConfigError that shows where in the design.
TextBlock build_text_block(char letter, const text::StageOptions& options,
                           const TextBlockPlace& place);

// Throws ConfigError for an option of the stage that none of its blocks knows.
void check_text_options(const text::DesignSource& design, const text::StageDesign& stage);

}  // namespace braid::models
