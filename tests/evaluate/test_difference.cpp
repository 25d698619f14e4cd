// How far apart two models are on the same items.
#include "braid/evaluate/difference.h"

#include <gtest/gtest.h>

#include <cmath>

namespace braid::evaluate {
namespace {

// [N] bool: so many items that both have right, the first alone, the second alone, none.
struct Items {
  torch::Tensor a, b;
};
Items items(int64_t both, int64_t first, int64_t second, int64_t none) {
  const auto yes = [](int64_t n) { return torch::ones({n}, torch::kBool); };
  const auto no = [](int64_t n) { return torch::zeros({n}, torch::kBool); };
  return {torch::cat({yes(both), yes(first), no(second), no(none)}),
          torch::cat({yes(both), no(first), yes(second), no(none)})};
}

// The sums of Bonett and Price, 2012: with p12 = (f12 + 1) / (n + 2), p21 likewise, the interval is
// p12 - p21 -+ z sqrt((p12 + p21 - (p12 - p21)^2) / (n + 2)).
TEST(PairedDifference, IsThatOfBonettAndPrice) {
  const auto [a, b] = items(700, 60, 30, 210);
  const auto found = paired_difference({{a}}, {{b}});
  ASSERT_TRUE(found);
  EXPECT_NEAR(found->value, 3, 1e-9);
  const double p12 = 61.0 / 1002, p21 = 31.0 / 1002, d = p12 - p21;
  const double half = 1.959963984540054 * std::sqrt((p12 + p21 - d * d) / 1002);
  EXPECT_NEAR(found->low, 100 * (d - half), 1e-9);
  EXPECT_NEAR(found->high, 100 * (d + half), 1e-9);
  EXPECT_TRUE(found->is_proved());
  const auto turned = paired_difference({{b}}, {{a}});
  EXPECT_NEAR(turned->low, -found->high, 1e-9);
  EXPECT_TRUE(turned->is_proved());
}

// Scores of 92 and 91% have intervals of some 1.7 points each on 1,000 items; whether they are
// apart hangs on how often the models disagree.
TEST(PairedDifference, HangsOnTheItemsThatTheyDisagreeOn) {
  const auto few = items(908, 12, 2, 78), many = items(830, 90, 80, 0);
  EXPECT_TRUE(paired_difference({{few.a}}, {{few.b}})->is_proved());
  EXPECT_FALSE(paired_difference({{many.a}}, {{many.b}})->is_proved());
}

TEST(PairedDifference, OfFewItemsProvesLittle) {
  const auto four = items(6, 4, 0, 0), none = items(10, 0, 0, 0);
  EXPECT_FALSE(paired_difference({{four.a}}, {{four.b}})->is_proved());
  EXPECT_FALSE(paired_difference({{none.a}}, {{none.b}})->is_proved());
  EXPECT_EQ(paired_difference({{none.a}}, {{none.b}})->value, 0);
}

// One training of each may have been lucky; two that agree on it were not.
TEST(PairedDifference, IsWiderWhereTrainingsDisagree) {
  const auto more = items(700, 60, 30, 210), less = items(700, 35, 30, 235);
  const auto alike = paired_difference({{more.a}, {more.a}}, {{more.b}, {more.b}});
  const auto apart = paired_difference({{more.a}, {less.a}}, {{more.b}, {less.b}});
  EXPECT_TRUE(alike->is_proved());
  EXPECT_NEAR(apart->value, 1.75, 1e-9);
  EXPECT_FALSE(apart->is_proved());
}

// A fold of two items weighs as much as one of four, and folds that disagree prove less than their
// items do.
TEST(PairedDifference, OfFoldsIsTheirMean) {
  const auto small = items(0, 1, 0, 1), large = items(3, 0, 0, 1);
  const auto found = paired_difference({{small.a, large.a}}, {{small.b, large.b}});
  ASSERT_TRUE(found);
  EXPECT_NEAR(found->value, 25, 1e-9);
  const auto most = items(100, 90, 0, 10), none = items(180, 10, 10, 0);
  const auto all = items(280, 100, 10, 10);
  EXPECT_TRUE(paired_difference({{all.a}}, {{all.b}})->is_proved());
  EXPECT_FALSE(paired_difference({{most.a, none.a}}, {{most.b, none.b}})->is_proved());
}

TEST(PairedDifference, IsNotKnownOfOtherItems) {
  const auto one = items(5, 1, 1, 1), other = items(5, 1, 1, 2);
  EXPECT_FALSE(paired_difference({{one.a}}, {{other.b}}));
  EXPECT_FALSE(paired_difference({{one.a}, {one.a}}, {{one.b}}));
  EXPECT_FALSE(paired_difference({}, {}));
  const auto none = torch::zeros({0}, torch::kBool);
  EXPECT_FALSE(paired_difference({{none}}, {{none}}));
}

}  // namespace
}  // namespace braid::evaluate
