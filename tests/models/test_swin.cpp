#include <gtest/gtest.h>

#include "braid/models/vision/transformer/swin_block.h"
#include "braid/torch.h"

namespace braid::models {
namespace {

TEST(ShiftedWindow, MaskSeparatesWhatOnlyTheRollJoined) {
  constexpr int64_t side = 6, window = 3, shift = 1;
  const auto mask = shifted_window_mask(side, side, window, shift, torch::kFloat);  // [n,N,N]
  ASSERT_EQ(mask.sizes(), (std::vector<int64_t>{4, 9, 9}));
  const auto rolled_in = [](int64_t position) { return position >= side - shift; };
  for (int64_t n = 0; n < 4; ++n)
    for (int64_t q = 0; q < 9; ++q)
      for (int64_t k = 0; k < 9; ++k) {
        const auto row = [&](int64_t p) { return n / 2 * window + p / window; };
        const auto column = [&](int64_t p) { return n % 2 * window + p % window; };
        const bool apart =
            rolled_in(row(q)) != rolled_in(row(k)) || rolled_in(column(q)) != rolled_in(column(k));
        EXPECT_EQ(mask[n][q][k].item<float>(), apart ? -100 : 0) << n << " " << q << " " << k;
      }
}

// What the roll brings together stays apart: the last row and column are a region of their own.
TEST(ShiftedWindow, KeepsTheRegionsApart) {
  constexpr int64_t side = 6, window = 3, shift = 1;
  torch::manual_seed(1);
  ShiftedWindowAttention layer(
      nn::SelfAttentionConfig{
          .dim = 4, .num_heads = 2, .position = {.type = nn::PositionBiasType::kRelative}},
      window, shift);
  const auto x = torch::randn({2, side, side, 4}).requires_grad_();
  layer->forward(x)[1][0][0].sum().backward();  // a corner, which meets the other three by the roll
  const auto reached = x.grad()[1].abs().sum(2) > 1e-12;  // [H,W]
  EXPECT_EQ(reached.sum().item<int64_t>(), 1);
  EXPECT_TRUE(reached[0][0].item<bool>());
  EXPECT_EQ(x.grad()[0].abs().max().item<float>(), 0) << "images stay apart";
}

}  // namespace
}  // namespace braid::models
