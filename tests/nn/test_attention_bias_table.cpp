#include <gtest/gtest.h>

#include <cstdlib>

#include "braid/nn/position/attention_bias_table.h"
#include "braid/torch.h"

namespace braid::nn {
namespace {

TEST(AttentionBiasTable, ReadsTheTableByDistance) {
  torch::manual_seed(1);
  for (const auto& [side, stride] : {std::pair<int64_t, int64_t>{1, 1}, {4, 1}, {5, 2}, {4, 2}}) {
    const auto table = torch::randn({2, side * side});
    const auto bias = attention_bias(table, side, stride);
    const int64_t across = (side + stride - 1) / stride;
    ASSERT_EQ(bias.sizes(), (std::vector<int64_t>{1, 2, across * across, side * side}));
    for (int64_t head = 0; head < 2; ++head)
      for (int64_t q = 0; q < across * across; ++q)
        for (int64_t k = 0; k < side * side; ++k) {
          const int64_t dy = std::abs(q / across * stride - k / side);
          const int64_t dx = std::abs(q % across * stride - k % side);
          ASSERT_EQ(bias[0][head][q][k].item<float>(), table[head][dy * side + dx].item<float>())
              << side << "/" << stride << " query " << q << " key " << k;
        }
  }
}

TEST(AttentionBiasTable, ResizingKeepsTheEndsAndLinearTables) {
  // |dy| + 2 |dx| in units of the largest distance.
  const auto linear = [](int64_t side) {
    const auto steps = torch::linspace(0, 1, side);
    return (steps.unsqueeze(1) + 2 * steps).reshape({1, side * side});
  };
  for (const int64_t side : {3, 9})
    EXPECT_TRUE(resize_attention_bias_table(linear(5), side).allclose(linear(side), 1e-5, 1e-6))
        << side;
  EXPECT_TRUE(resize_attention_bias_table(linear(5), 5).equal(linear(5)));
  const auto odd = torch::ones({1, 7});
  EXPECT_TRUE(resize_attention_bias_table(odd, 3).equal(odd)) << "not of a square grid";
}

TEST(AttentionBiasTable, KeepsTheIndexOfItsReference) {
  AttentionBiasTable table(3, 2);
  const torch::NoGradGuard no_grad;
  table->attention_biases.normal_();
  const auto index = table->named_buffers()["attention_bias_idxs"];  // [9,9]
  EXPECT_TRUE(
      table->forward()[0].equal(table->attention_biases.index({torch::indexing::Slice(), index})));
}

}  // namespace
}  // namespace braid::nn
