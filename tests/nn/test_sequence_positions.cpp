// Positions of a text's tokens against transformers; see generate_positions.py.
#include "braid/nn/position/sequence_positions.h"

#include "braid/nn/position/rotary.h"
#include "tests/nn/fixture.h"

namespace braid::nn {
namespace {

TEST(SequencePositions, SinesAreMarians) {
  const auto file = load_fixture("sequence_positions");
  for (const int64_t dim : {8, 7}) {
    const auto& expected = file.at("sines_" + std::to_string(dim));
    EXPECT_LT(largest_difference(sinusoidal_positions(19, dim, torch::kFloat), expected), 1e-7);
    EXPECT_TRUE(sinusoidal_positions(6, dim, torch::kFloat, /*first=*/13)
                    .equal(sinusoidal_positions(19, dim, torch::kFloat).narrow(0, 13, 6)));
  }
}

TEST(SequencePositions, RotationIsRoFormers) {
  const auto file = load_fixture("sequence_positions");
  const auto& x = file.at("x");
  const auto table = sequence_rotary(11, 8, torch::kFloat);
  EXPECT_LT(largest_difference(apply_rotary(x, table), file.at("turned")), 1e-6);
  EXPECT_TRUE(sequence_rotary(2, 8, torch::kFloat, /*first=*/9).equal(table.narrow(0, 9, 2)));
  // A product depends on the distance alone, which is what rotary is for.
  const auto q = x[0][0].narrow(0, 0, 1).expand({11, 8}),
             k = x[1][0].narrow(0, 0, 1).expand({11, 8});
  const auto products = apply_rotary(q, table).matmul(apply_rotary(k, table).t());
  EXPECT_NEAR(products[2][5].item<double>(), products[7][10].item<double>(), 1e-5);
}

TEST(SequencePositions, BucketsAreT5s) {
  const auto file = load_fixture("sequence_positions");
  const std::pair<const char*, DistanceBuckets> cases[] = {
      {"both", {}},
      {"past", {.bidirectional = false}},
      {"few", {.num_buckets = 12, .max_distance = 40}}};
  for (const auto& [name, buckets] : cases) {
    const auto all = distance_buckets(300, 300, buckets, torch::kCPU);
    EXPECT_TRUE(torch::cat({all[299], all[0]}).equal(file.at(std::string("buckets_") + name)))
        << name;
    EXPECT_TRUE(
        distance_buckets(2, 300, buckets, torch::kCPU, /*first=*/7).equal(all.narrow(0, 7, 2)));
  }
}

TEST(SequencePositions, SlopesAreBlooms) {
  const auto file = load_fixture("sequence_positions");
  for (const int64_t heads : {8, 12, 3})
    EXPECT_LT(largest_difference(alibi_slopes(heads).to(torch::kFloat),
                                 file.at("slopes_" + std::to_string(heads))),
              1e-7)
        << heads;
  const auto bias = alibi_bias(8, 3, 5, torch::kDouble, /*first=*/1);
  EXPECT_EQ(bias.sizes(), (std::vector<int64_t>{1, 8, 3, 5}));
  // Head 0 has the slope 1/2; query 1 stands at position 2.
  EXPECT_TRUE(bias[0][0][1].equal(torch::tensor({-1.0, -0.5, 0.0, -0.5, -1.0}, torch::kDouble)));
}

}  // namespace
}  // namespace braid::nn
