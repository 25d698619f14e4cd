// Hiding one token after the other, for a model that can be worked out by hand.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "braid/core/error.h"
#include "braid/text/token_occlusion.h"
#include "braid/text/token_places.h"

namespace braid::text {
namespace {

// "ä b" and "c", with a token before, between and behind.
Encoding of_pair() {
  return {.ids = {1, 10, 20, 2, 30, 2},
          .type_ids = {0, 0, 0, 0, 1, 1},
          .offsets = {{0, 0}, {0, 2}, {3, 4}, {0, 0}, {0, 1}, {0, 0}},
          .special_tokens = {1, 0, 0, 1, 0, 1},
          .words = {-1, 0, 1, -1, 0, -1},
          .pair_begin = 4};
}

SpecialTokens tokens(std::optional<int32_t> pad, std::optional<int32_t> unk = {},
                     std::optional<int32_t> mask = {}) {
  SpecialTokens special;
  special.pad = pad;
  special.unk = unk;
  special.mask = mask;
  return special;
}

// Class 0 counts the numbers, class 1 the first word alone.
std::vector<std::vector<float>> sums(const TokenIds& rows) {
  std::vector<std::vector<float>> logits;
  for (const auto& row : rows) {
    float sum = 0;
    for (const int32_t id : row) sum += static_cast<float>(id);
    logits.push_back({sum, static_cast<float>(row.at(1))});
  }
  return logits;
}

TEST(TokenOcclusion, IsWhatTheLogitLoses) {
  for (const int64_t batch : {1, 2, 100}) {
    size_t most = 0, rows = 0;
    const auto found = occlude_tokens(of_pair(), tokens(0, {}, 4), batch, [&](const auto& ids) {
      most = std::max(most, ids.size());
      rows += ids.size();
      return sums(ids);
    });
    EXPECT_EQ(rows, 5u) << "the text, all of its words hidden, and each of three";
    EXPECT_LE(most, static_cast<size_t>(batch));
    EXPECT_EQ(found.attributions(0), (std::vector<double>{0, 6, 16, 0, 26, 0}));
    EXPECT_EQ(found.attributions(1), (std::vector<double>{0, 6, 0, 0, 0, 0}));
    EXPECT_EQ(found.total(0), 6 + 16 + 26);
    EXPECT_EQ(found.likeliest(), 0);
    EXPECT_NEAR(found.probability(1), std::exp(10 - 65.0) / (1 + std::exp(10 - 65.0)), 1e-30);
  }
}

TEST(TokenOcclusion, TakesTheMaskElsePaddingElseTheUnknownToken) {
  const auto first_of = [](const SpecialTokens& special) {
    return occlude_tokens(of_pair(), special, 8, sums).attributions(1).at(1);
  };
  EXPECT_EQ(first_of(tokens(3, 5, 4)), 6);
  EXPECT_EQ(first_of(tokens(3, 5)), 7);
  EXPECT_EQ(first_of(tokens({}, 5)), 5);
  EXPECT_THROW(first_of(tokens({})), DataError);
}

TEST(TokenOcclusion, RefusesNothingAndWhatIsNotFinite) {
  auto none = of_pair();
  none.special_tokens.assign(6, 1);
  EXPECT_THROW(occlude_tokens(none, tokens(0), 8, sums), DataError);
  EXPECT_THROW(occlude_tokens(of_pair(), tokens(0), 8,
                              [](const TokenIds& rows) {
                                auto logits = sums(rows);
                                logits.back()[1] = std::numeric_limits<float>::quiet_NaN();
                                return logits;
                              }),
               DataError);
}

TEST(TokenPlaces, AreInTheTokensOwnText) {
  const auto places = token_places(of_pair(), "ä b", "c");
  ASSERT_EQ(places.size(), 6u);
  for (const size_t added : {0u, 3u, 5u}) {
    EXPECT_FALSE(places[added].sequence) << added;
    EXPECT_FALSE(places[added].start) << added;
  }
  EXPECT_EQ(places[1].end, 1) << "code points, not bytes";
  EXPECT_EQ(places[2].sequence, 0);
  EXPECT_EQ(places[2].start, 2);
  EXPECT_EQ(places[2].end, 3);
  EXPECT_EQ(places[4].sequence, 1);
  EXPECT_EQ(places[4].start, 0);
}

}  // namespace
}  // namespace braid::text
