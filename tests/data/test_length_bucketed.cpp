// Batches of sequences of similar length: every example once, the same shapes in every epoch; and
// random ones, with little padding.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <numeric>

#include "braid/core/error.h"
#include "braid/data/length_bucketed.h"
#include "braid/data/random.h"

namespace braid::data {
namespace {

using Lists = std::vector<std::vector<int64_t>>;

Lists random_lengths(int64_t examples, int64_t longest, uint64_t seed) {
  Lists sides(2);
  Random random(seed);
  for (int64_t i = 0; i < examples; ++i)
    for (auto& side : sides) side.push_back(1 + random.below(longest));
  return sides;
}

std::vector<int64_t> all_of(const Lists& batches) {
  std::vector<int64_t> all;
  for (const auto& batch : batches) all.insert(all.end(), batch.begin(), batch.end());
  std::sort(all.begin(), all.end());
  return all;
}

int64_t padded_tokens(const std::vector<int64_t>& batch, const std::vector<int64_t>& side) {
  int64_t longest = 0;
  for (const int64_t i : batch) longest = std::max(longest, side[static_cast<size_t>(i)]);
  return longest * static_cast<int64_t>(batch.size());
}

TEST(LengthBucketedTest, HoldsItsLimitsAndEveryExampleOnce) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const auto sides = random_lengths(300, 40, seed);
    const LengthBucketed sampler(sides, {.max_tokens = 100, .max_examples = 7, .seed = 1});
    for (int64_t epoch = 0; epoch < 3; ++epoch) {
      const auto batches = sampler.batches(epoch);
      EXPECT_EQ(static_cast<int64_t>(batches.size()), sampler.size());
      const auto all = all_of(batches);
      ASSERT_EQ(all.size(), 300u);
      for (int64_t i = 0; i < 300; ++i) ASSERT_EQ(all[static_cast<size_t>(i)], i);
      for (const auto& batch : batches) {
        EXPECT_LE(batch.size(), 7u);
        for (const auto& side : sides) EXPECT_LE(padded_tokens(batch, side), 100);
      }
    }
  }
}

TEST(LengthBucketedTest, IsAFunctionOfSeedAndEpoch) {
  const auto sides = random_lengths(200, 5, 3);
  const LengthBucketed sampler(sides, {.max_tokens = 40, .seed = 4});
  EXPECT_EQ(sampler.batches(2), LengthBucketed(sides, {.max_tokens = 40, .seed = 4}).batches(2));
  EXPECT_NE(sampler.batches(2), sampler.batches(3));
  EXPECT_NE(sampler.batches(2), LengthBucketed(sides, {.max_tokens = 40, .seed = 5}).batches(2));
  auto first = sampler.batches(0), second = sampler.batches(1);
  for (auto* batches : {&first, &second}) std::sort(batches->begin(), batches->end());
  EXPECT_NE(first, second) << "examples of equal lengths change their neighbours";
}

TEST(LengthBucketedTest, PadsLittle) {
  const auto sides = random_lengths(5000, 50, 9);
  int64_t tokens = 0, padded = 0;
  for (const auto& batch : LengthBucketed(sides, {.max_tokens = 1000, .seed = 0}).batches(0))
    for (const auto& side : sides) {
      padded += padded_tokens(batch, side);
      for (const int64_t i : batch) tokens += side[static_cast<size_t>(i)];
    }
  EXPECT_LT(padded, tokens * 1.4);
}

TEST(LengthBucketedTest, WithoutASeedTheShortestComeFirst) {
  const Lists sides = {{5, 1, 3, 1}, {1, 2, 1, 1}};
  const LengthBucketed sampler(sides, {.max_examples = 3});
  EXPECT_EQ(sampler.batches(0), (Lists{{3, 1, 2}, {0}}));
  EXPECT_EQ(sampler.batches(7), sampler.batches(0));
}

TEST(LengthBucketedTest, ALongExampleIsABatchOfItsOwn) {
  const LengthBucketed sampler({{2, 500, 2, 600}}, {.max_tokens = 10});
  EXPECT_EQ(sampler.batches(0), (Lists{{0, 2}, {1}, {3}}));
}

TEST(LengthBucketedTest, OfNothingHasNoBatches) {
  EXPECT_EQ(LengthBucketed({{}, {}}, {.max_tokens = 10}).size(), 0);
  EXPECT_TRUE(LengthBucketed({{}, {}}, {.max_tokens = 10}).batches(0).empty());
  EXPECT_THROW(LengthBucketed({{1}}, {}), ConfigError);
  EXPECT_THROW(LengthBucketed({{1}}, {.max_tokens = -1, .max_examples = 1}), ConfigError);
}

std::vector<int64_t> skewed_lengths(int64_t examples) {
  std::vector<int64_t> lengths;
  Random random(3);
  for (int64_t i = 0; i < examples; ++i) lengths.push_back(1 + random.below(1 + random.below(300)));
  return lengths;
}

int64_t padded_tokens_of(const Lists& batches, const std::vector<int64_t>& lengths) {
  int64_t sum = 0;
  for (const auto& batch : batches) sum += padded_tokens(batch, lengths);
  return sum;
}

TEST(LengthGroupedTest, HoldsWhatShuffledHolds) {
  const auto lengths = skewed_lengths(1003);
  const LengthGrouped sampler(lengths, 8, 5);
  EXPECT_EQ(sampler.size(), 125);
  auto batches = sampler.batches(2);
  EXPECT_EQ(batches, LengthGrouped(lengths, 8, 5).batches(2));
  EXPECT_NE(batches, sampler.batches(3));
  EXPECT_NE(batches, LengthGrouped(lengths, 8, 6).batches(2));
  std::vector<int64_t> all, theirs;
  for (const auto& batch : batches) {
    EXPECT_EQ(batch.size(), 8u);
    all.insert(all.end(), batch.begin(), batch.end());
  }
  for (const auto& batch : Shuffled(1003, 8, 5).batches(2))
    theirs.insert(theirs.end(), batch.begin(), batch.end());
  std::sort(all.begin(), all.end());
  std::sort(theirs.begin(), theirs.end());
  EXPECT_EQ(all, theirs);
  EXPECT_EQ(LengthGrouped({5, 4, 9}, 8, 0).batches(0), (Lists{{1, 0, 2}}))
      << "fewer than one batch are one batch";
  EXPECT_TRUE(LengthGrouped({}, 8, 0).batches(0).empty());
  EXPECT_THROW(LengthGrouped({1}, 0, 0), ConfigError);
}

TEST(LengthGroupedTest, HoldsWhatAnotherSamplerHolds) {
  const auto lengths = skewed_lengths(400);
  std::vector<int64_t> labels(400);
  for (size_t i = 0; i < 20; ++i) labels[20 * i] = 1;
  const auto balanced = [&] { return std::make_unique<ClassBalanced>(labels, 8, 5); };
  const LengthGrouped sampler(lengths, balanced(), 5);
  EXPECT_EQ(sampler.size(), 50);
  EXPECT_EQ(sampler.batches(1), LengthGrouped(lengths, balanced(), 5).batches(1));
  std::vector<int64_t> all, theirs;
  for (const auto& batch : sampler.batches(1)) all.insert(all.end(), batch.begin(), batch.end());
  for (const auto& batch : balanced()->batches(1))
    theirs.insert(theirs.end(), batch.begin(), batch.end());
  std::sort(all.begin(), all.end());
  std::sort(theirs.begin(), theirs.end());
  EXPECT_EQ(all, theirs);
  EXPECT_LT(padded_tokens_of(sampler.batches(1), lengths),
            padded_tokens_of(balanced()->batches(1), lengths));
}

TEST(LengthGroupedTest, PadsLittleInAnyOrder) {
  const auto lengths = skewed_lengths(8000);
  const LengthGrouped sampler(lengths, 16, 1);
  const auto batches = sampler.batches(0);
  const auto tokens = std::accumulate(lengths.begin(), lengths.end(), int64_t{0});
  EXPECT_LT(padded_tokens_of(batches, lengths), tokens * 115 / 100);
  EXPECT_GT(padded_tokens_of(Shuffled(8000, 16, 1).batches(0), lengths), tokens * 2);
  // Neither short texts first nor the same neighbours again.
  int64_t rises = 0;
  for (size_t k = 1; k < batches.size(); ++k)
    rises += lengths[static_cast<size_t>(batches[k][0])] >
             lengths[static_cast<size_t>(batches[k - 1][0])];
  EXPECT_NEAR(static_cast<double>(rises), 250, 50);
  const auto next = sampler.batches(1);
  EXPECT_EQ(std::count_if(next.begin(), next.end(),
                          [&](const auto& batch) {
                            return std::find(batches.begin(), batches.end(), batch) !=
                                   batches.end();
                          }),
            0);
}

}  // namespace
}  // namespace braid::data
