// The composer's vocabulary: builds the blocks that a design names from the layers that the named
// models use.
#pragma once

#include <memory>
#include <vector>

#include "braid/nn/basic/block.h"
#include "braid/text/design.h"
#include "braid/text/stage_options.h"
#include "braid/torch.h"

namespace braid::models {

using BlockPtr = std::shared_ptr<nn::BlockImpl>;  // [B,C,H,W] -> [B,C',h,w]

// Where a block stands.
struct BlockPlace {
  int64_t in_chs = 0, out_chs = 0;
  int64_t stride = 1;
  int64_t depth = 1;      // above 1: of a parallel stage, which builds its blocks together
  int64_t feat_size = 0;  // pixels along one side of its output
  bool first = false;     // of its kind in the stage
  double drop_path = 0;
  double attn_drop = 0;
  double proj_drop = 0;
};

struct BlockKind {
  char letter;                       // as in block_names()
  std::vector<const char*> options;  // that it knows, beyond stride
  BlockPtr (*build)(const text::StageOptions& options, const BlockPlace& place);
};
const std::vector<BlockKind>& convolution_blocks();
const std::vector<BlockKind>& attention_blocks();

// letter: one of block_names(). Throws ConfigError that shows where in the design.
BlockPtr build_block(char letter, const text::StageOptions& options, const BlockPlace& place);

// Throws ConfigError for an option of the stage that none of its blocks knows.
void check_options(const text::Design& design, const text::StageDesign& stage);

// The block behind a strided 3x3 convolution with batch norm where channels or resolution change.
// Keys: down.(conv, bn), block.* there.
BlockPtr behind_transition(const BlockPlace& place, const BlockPtr& block);

}  // namespace braid::models
