// Doors that lead to fused operators where gradients are recorded, and to LibTorch's else.
#include <algorithm>
#include <utility>
#include <vector>

#include "braid/nn/basic/activation.h"
#include "braid/nn/basic/max_pool.h"
#include "tests/nn/fixture.h"

namespace braid::nn {
namespace {

torch::Tensor map_to_train(at::IntArrayRef shape) {
  torch::manual_seed(2);
  return torch::randn(shape).contiguous(at::MemoryFormat::ChannelsLast).requires_grad_();
}

TEST(MaxHalveTest, IsLibTorchsInTrainingAndElse) {
  for (const auto& shape :
       std::vector<std::vector<int64_t>>{{2, 5, 6, 7}, {3, 8, 2, 2}, {2, 3, 1, 4}, {1, 4, 1, 1}}) {
    const auto x = map_to_train(shape);
    const auto expected =
        torch::max_pool2d(x, {std::min<int64_t>(2, shape[2]), std::min<int64_t>(2, shape[3])});
    EXPECT_TRUE(torch::equal(max_halve(x), expected));
    const auto of = [&x](const torch::Tensor& y) {
      return torch::autograd::grad({y.square().sum()}, {x})[0];
    };
    EXPECT_TRUE(torch::equal(of(max_halve(x)), of(expected)));
    EXPECT_TRUE(torch::equal(max_halve(x.detach()), expected));
  }
}

TEST(ActivateTest, IsLibTorchsInTrainingAndElse) {
  const auto x = map_to_train({3, 5, 6, 7});
  const auto expected = std::vector<std::pair<Act, torch::Tensor>>{{Act::kGelu, torch::gelu(x)},
                                                                   {Act::kSilu, torch::silu(x)}};
  for (const auto& [act, y] : expected) {
    EXPECT_LT(largest_difference(activate(x, act), y), 1e-6);
    EXPECT_NE(activate(x, act).grad_fn()->name(), y.grad_fn()->name());
    EXPECT_TRUE(torch::equal(activate(x.detach(), act), y));
    const torch::NoGradGuard no_grad;
    EXPECT_TRUE(torch::equal(activate(x, act), y));
  }
}

}  // namespace
}  // namespace braid::nn
