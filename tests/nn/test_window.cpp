// Partitions of feature maps and biases of relative positions against naive twins.
#include <gtest/gtest.h>

#include "braid/nn/attention/window.h"
#include "braid/nn/basic/pad.h"
#include "braid/nn/block/mbconv_block.h"
#include "braid/nn/block/partition_block.h"
#include "braid/nn/block/transformer_block_2d.h"
#include "braid/nn/position/relative_position.h"

namespace braid::nn {
namespace {

constexpr int64_t kB = 2, kH = 6, kW = 9, kC = 4, kSize = 3;

torch::Tensor numbered_map() {
  return torch::arange(kB * kH * kW * kC, torch::kDouble).view({kB, kH, kW, kC});
}

TEST(Window, PartitionsNeighbours) {
  const auto x = numbered_map();
  const auto windows = window_partition(x, kSize);
  ASSERT_EQ(windows.sizes(), (std::vector<int64_t>{kB * 6, kSize * kSize, kC}));
  for (int64_t y = 0; y < kH; ++y)
    for (int64_t column = 0; column < kW; ++column) {
      const int64_t window = 6 + y / kSize * (kW / kSize) + column / kSize;  // of the second image
      const int64_t position = y % kSize * kSize + column % kSize;
      EXPECT_TRUE(windows[window][position].equal(x[1][y][column]));
    }
  EXPECT_TRUE(window_reverse(windows, kSize, kH, kW).equal(x));
}

TEST(Window, SpreadsGridsOverTheMap) {
  const auto x = numbered_map();
  const auto groups = grid_partition(x, kSize);
  ASSERT_EQ(groups.sizes(), (std::vector<int64_t>{kB * 6, kSize * kSize, kC}));
  const int64_t step_y = kH / kSize, step_x = kW / kSize;
  for (int64_t y = 0; y < kH; ++y)
    for (int64_t column = 0; column < kW; ++column) {
      const int64_t group = 6 + y % step_y * step_x + column % step_x;
      const int64_t position = y / step_y * kSize + column / step_x;
      EXPECT_TRUE(groups[group][position].equal(x[1][y][column]));
    }
  EXPECT_TRUE(grid_reverse(groups, kSize, kH, kW).equal(x));
}

TEST(Window, PadsAtBottomAndRight) {
  const auto x = numbered_map() + 1;
  const auto padded = pad_to_multiple(x, 4, MapLayout::kNhwc);
  EXPECT_EQ(padded.sizes(), (std::vector<int64_t>{kB, 8, 12, kC}));
  EXPECT_TRUE(padded.slice(1, 0, kH).slice(2, 0, kW).equal(x));
  EXPECT_EQ(padded.sum().item<double>(), x.sum().item<double>());
  EXPECT_TRUE(pad_to_multiple(x, kSize, MapLayout::kNhwc).is_same(x));
}

TEST(RelativePosition, ReadsTheRowOfTheRelativePosition) {
  constexpr int64_t s = 3, h = 2;
  RelativePositionBias ours(s, h), tf(s, h, /*tf=*/true);
  const auto& table = ours->relative_position_bias_table;      // [(2s-1)^2,h], query - key
  const auto& tf_table = tf->relative_position_bias_table;     // [h,2s-1,2s-1], key - query
  const auto bias = ours->forward(), tf_bias = tf->forward();  // [1,h,N,N]
  using torch::indexing::Slice;
  for (int64_t q = 0; q < s * s; ++q)
    for (int64_t k = 0; k < s * s; ++k) {
      const int64_t y = q / s - k / s, x = q % s - k % s;
      EXPECT_TRUE(torch::equal(bias.index({0, Slice(), q, k}),
                               table[(y + s - 1) * (2 * s - 1) + x + s - 1]));
      EXPECT_TRUE(torch::equal(tf_bias.index({0, Slice(), q, k}),
                               tf_table.index({Slice(), s - 1 - y, s - 1 - x})));
    }
}

TEST(RelativePosition, MlpKnowsOffsetsOnly) {
  constexpr int64_t kGridSize = 3, kHeads = 2;
  RelativePositionMlp rel_pos(kGridSize, kHeads);
  rel_pos->eval();
  const auto bias = rel_pos->forward()[0];  // [h,N,N]
  EXPECT_TRUE(bias.select(1, 0).select(1, 4).allclose(bias.select(1, 4).select(1, 8)));
  EXPECT_FALSE(bias.select(1, 0).select(1, 4).allclose(bias.select(1, 4).select(1, 0)));
}

TEST(Blocks, ChangeChannelsAndStrideOnTheirOwn) {
  const auto x = torch::randn({2, 8, 7, 7});
  for (const int64_t stride : {1, 2}) {
    const int64_t side = stride == 2 ? 4 : 7;
    MbConvBlock conv(MbConvBlockConfig{.in_chs = 8, .out_chs = 12, .stride = stride});
    TransformerBlock2d transformer(TransformerBlock2dConfig{
        .dim = 8, .dim_out = 12, .stride = stride, .feat_size = side, .dim_head = 4});
    const std::vector<int64_t> expected = {2, 12, side, side};
    EXPECT_EQ(conv->forward(x).sizes(), expected);
    EXPECT_EQ(transformer->forward(x).sizes(), expected);
  }
}

TEST(Blocks, PartitionsKeepToThemselves) {
  for (const auto partition : {Partition::kWindow, Partition::kGrid}) {
    PartitionBlock block(
        PartitionBlockConfig{.dim = 4, .partition = partition, .size = 2, .dim_head = 2});
    const auto x = torch::randn({1, 4, 4, 4}).requires_grad_();
    block->forward(x).select(2, 0).select(2, 0).sum().backward();  // the first position
    const auto reached = x.grad().abs().sum(1)[0] > 0;             // [H,W]
    const int64_t step = partition == Partition::kWindow ? 1 : 2;
    EXPECT_EQ(reached.sum().item<int64_t>(), 4);
    EXPECT_TRUE(reached[step][step].item<bool>());
  }
}

}  // namespace
}  // namespace braid::nn
