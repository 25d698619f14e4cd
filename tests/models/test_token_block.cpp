// The composer's Transformer block against the reference whose parts it takes.
#include "braid/models/vision/composer/token_block.h"

#include "tests/nn/fixture.h"

namespace braid::models {
namespace {

TEST(TokenBlock, WithRotaryPositionsIsTimmsEvaBlock) {
  TokenBlock block(
      TokenBlockConfig{.dim = 16, .num_heads = 2, .mlp_ratio = 2, .position = Position::kRotary});
  // The embedding's sines are float32's, in timm as here.
  nn::expect_reference(
      *block, [&](const auto& x) { return block->forward(x); }, nn::load_fixture("rotary"), "block",
      1e-5);
}

}  // namespace
}  // namespace braid::models
