// The order of an epoch, and a process's share of it.
#include "braid/data/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "braid/core/error.h"

namespace braid::data {
namespace {

using Batches = std::vector<std::vector<int64_t>>;

std::vector<int64_t> sorted(const Batches& batches) {
  std::vector<int64_t> all;
  for (const auto& batch : batches) all.insert(all.end(), batch.begin(), batch.end());
  std::sort(all.begin(), all.end());
  return all;
}

TEST(SamplerTest, SequentialKeepsTheOrderAndTheRest) {
  const Sequential sampler(7, 3);
  EXPECT_EQ(sampler.size(), 3);
  EXPECT_EQ(sampler.batches(5), (Batches{{0, 1, 2}, {3, 4, 5}, {6}}));
  EXPECT_TRUE(Sequential(0, 3).batches(0).empty());
  EXPECT_EQ(Sequential(3, INT64_MAX).batches(0), (Batches{{0, 1, 2}}));
  EXPECT_THROW(Sequential(7, 0), ConfigError);
}

TEST(SamplerTest, ShuffledIsAFunctionOfSeedAndEpoch) {
  const Shuffled sampler(20, 6, 4);
  const auto batches = sampler.batches(2);
  EXPECT_EQ(sampler.size(), 3);
  ASSERT_EQ(batches.size(), 3u) << "what does not fill a batch is left out";
  EXPECT_EQ(batches, Shuffled(20, 6, 4).batches(2));
  EXPECT_NE(batches, sampler.batches(3));
  EXPECT_NE(batches, Shuffled(20, 6, 5).batches(2));
  const auto all = sorted(batches);
  EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end()) << "no example twice";
  EXPECT_EQ(sorted(Shuffled(4, 6, 0).batches(0)), (std::vector<int64_t>{0, 1, 2, 3}))
      << "fewer than one batch are one batch";
}

// How often each of `count` positions is drawn in so many epochs.
std::vector<int64_t> draws_of(const Sampler& sampler, size_t count, int64_t epochs) {
  std::vector<int64_t> draws(count);
  for (int64_t epoch = 0; epoch < epochs; ++epoch)
    for (const int64_t i : sorted(sampler.batches(epoch))) ++draws.at(static_cast<size_t>(i));
  return draws;
}

TEST(SamplerTest, ClassBalancedIsAFunctionOfSeedAndEpoch) {
  const std::vector<int64_t> labels = {0, 0, 0, 0, 0, 0, 0, 2, 2, 5};
  const ClassBalanced sampler(labels, 4, 7);
  EXPECT_EQ(sampler.size(), 2) << "as Shuffled";
  const auto batches = sampler.batches(3);
  ASSERT_EQ(batches.size(), 2u);
  for (const auto& batch : batches) EXPECT_EQ(batch.size(), 4u);
  EXPECT_EQ(batches, ClassBalanced(labels, 4, 7).batches(3));
  EXPECT_NE(batches, sampler.batches(4));
  EXPECT_NE(batches, ClassBalanced(labels, 4, 8).batches(3));
  EXPECT_EQ(ClassBalanced(labels, 16, 7).batches(0).at(0).size(), 10u)
      << "fewer than one batch are one batch";
  EXPECT_TRUE(ClassBalanced({}, 4, 7).batches(0).empty());
  EXPECT_THROW(ClassBalanced(labels, 0, 7), ConfigError);
}

// As PyTorch's WeightedRandomSampler: classes alike, and within a class its examples.
TEST(SamplerTest, ClassBalancedDrawsClassesAlike) {
  std::vector<int64_t> labels(90, 1);
  labels.insert(labels.end(), 9, 3);
  labels.push_back(4);
  constexpr int64_t kEpochs = 600;
  const auto draws = draws_of(ClassBalanced(labels, 10, 1), labels.size(), kEpochs);
  std::vector<double> of_class(5);
  for (size_t i = 0; i < labels.size(); ++i)
    of_class[static_cast<size_t>(labels[i])] += static_cast<double>(draws[i]);
  constexpr double kEach = 100.0 * kEpochs / 3;
  EXPECT_EQ(of_class[0] + of_class[2], 0) << "classes without examples";
  for (const size_t c : {1, 3, 4}) EXPECT_NEAR(of_class[c], kEach, 0.03 * kEach) << c;
  for (size_t i = 0; i < labels.size(); ++i) {
    const double expected = kEach / (labels[i] == 1 ? 90 : labels[i] == 3 ? 9 : 1);
    EXPECT_NEAR(static_cast<double>(draws[i]), expected, 6 * std::sqrt(expected)) << i;
  }
}

TEST(SamplerTest, ShardsShareTheBatches) {
  constexpr int64_t kWorld = 3;
  const auto shard = [](int64_t rank, Shard::Remainder remainder) {
    return Shard(std::make_unique<Shuffled>(40, 4, 1), rank, kWorld, remainder);
  };
  const auto whole = Shuffled(40, 4, 1).batches(6);  // ten batches
  Batches kept, left;
  for (int64_t rank = 0; rank < kWorld; ++rank) {
    const auto training = shard(rank, Shard::Remainder::kLeftOut);
    EXPECT_EQ(training.size(), 3) << "every process as many";
    EXPECT_EQ(static_cast<int64_t>(training.batches(6).size()), training.size());
    EXPECT_EQ(training.batches(6).at(1), whole.at(static_cast<size_t>(kWorld + rank)));
    const auto evaluation = shard(rank, Shard::Remainder::kKept);
    const auto part = evaluation.batches(6);
    EXPECT_EQ(static_cast<int64_t>(part.size()), evaluation.size());
    kept.insert(kept.end(), part.begin(), part.end());
  }
  EXPECT_EQ(kept.size(), whole.size());
  EXPECT_EQ(sorted(kept), sorted(whole));
  EXPECT_THROW(shard(3, Shard::Remainder::kKept), InternalError);
}

}  // namespace
}  // namespace braid::data
