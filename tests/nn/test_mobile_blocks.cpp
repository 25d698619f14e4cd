// The blocks of MobileViT that no model of the registry uses to the full.
#include <gtest/gtest.h>

#include "braid/models/vision/hybrid/mobilevit_bottleneck.h"
#include "braid/nn/block/mobilevit_block.h"
#include "braid/torch.h"

namespace braid::nn {
namespace {

TEST(Bottleneck, AddsAProjectedShortcut) {
  torch::manual_seed(1);
  BottleneckBlock block(BottleneckBlockConfig{.in_chs = 8,
                                              .out_chs = 16,
                                              .stride = 2,
                                              .bottle_ratio = 0.5,
                                              .downsample = BottleneckShortcut::kConv1x1});
  torch::nn::init::uniform_(block->conv3_1x1->bn->weight, 0.5, 1.5);  // it starts at zero
  block->eval();
  const auto x = torch::randn({2, 8, 9, 9});
  const auto branch =
      block->conv3_1x1->forward(block->conv2_kxk->forward(block->conv1_1x1->forward(x)));
  const auto projected = block->shortcut->bn->forward(
      at::conv2d(x, block->shortcut->conv->weight, /*bias=*/{}, /*stride=*/2));
  EXPECT_TRUE(block->forward(x).allclose(at::relu(branch + projected), 1e-5, 1e-6));
  EXPECT_EQ(block->forward(x).sizes(), (std::vector<int64_t>{2, 16, 5, 5}));
}

TEST(Bottleneck, HasNoShortcutWhereChannelsChange) {
  torch::manual_seed(1);
  BottleneckBlock block(BottleneckBlockConfig{.in_chs = 8, .out_chs = 16, .linear_out = true});
  block->eval();
  const auto x = torch::randn({1, 8, 5, 5});
  const auto branch =
      block->conv3_1x1->forward(block->conv2_kxk->forward(block->conv1_1x1->forward(x)));
  EXPECT_TRUE(block->forward(x).equal(branch));
  EXPECT_FALSE(block->shortcut);
}

TEST(Patches, UnfoldGroupsPixelsByTheirPlace) {
  const int64_t height = 4, width = 6, patch = 2;
  const auto x = torch::arange(2 * 3 * height * width).view({2, 3, height, width});
  const auto y = unfold_patches(x, patch);
  ASSERT_EQ(y.sizes(), (std::vector<int64_t>{2, 4, 6, 3}));
  for (int64_t row = 0; row < height; ++row)
    for (int64_t col = 0; col < width; ++col) {
      const int64_t place = row % patch * patch + col % patch;
      const int64_t number = row / patch * (width / patch) + col / patch;
      EXPECT_TRUE(y[1][place][number].equal(x[1].select(1, row).select(1, col)));
    }
  EXPECT_TRUE(fold_patches(y, patch, height, width).equal(x));
}

}  // namespace
}  // namespace braid::nn
