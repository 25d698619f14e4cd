#include "braid/models/vision/hybrid/maxvit.h"

#include <gtest/gtest.h>

#include "braid/torch.h"

namespace braid::models {
namespace {

TEST(MaxVitBlock, ChangesChannelsAndStride) {
  const auto x = torch::randn({2, 8, 7, 7});
  for (const int64_t stride : {1, 2}) {
    MaxVitBlock block(MaxVitBlockConfig{.conv = {.in_chs = 8, .out_chs = 12, .stride = stride},
                                        .attention = {.size = 3, .dim_head = 4}});
    const int64_t side = stride == 2 ? 4 : 7;
    EXPECT_EQ(block->forward(x).sizes(), (std::vector<int64_t>{2, 12, side, side}));
  }
}

}  // namespace
}  // namespace braid::models
