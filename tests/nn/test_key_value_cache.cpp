// The cache of a decoder against tensors that are copied as a reference would, and attention over
// it.
#include "braid/nn/attention/key_value_cache.h"

#include <gtest/gtest.h>

#include "braid/nn/attention/cached_attention.h"
#include "braid/nn/basic/own_operators.h"

namespace braid::nn {
namespace {

using torch::Tensor;

constexpr int64_t kHeads = 2, kDim = 16;

Tensor heads_of(int64_t batch, int64_t positions) {  // as a projection lies
  return torch::randn({batch, positions, kHeads, kDim}).transpose(1, 2);
}
Tensor numbers(const std::vector<int64_t>& rows) { return torch::tensor(rows, torch::kLong); }

// The same by copies.
struct CopiedCache {
  Tensor keys, values;
  void append(const Tensor& k, const Tensor& v) {
    keys = keys.defined() ? torch::cat({keys, k}, 2) : k;
    values = values.defined() ? torch::cat({values, v}, 2) : v;
  }
  void select(const Tensor& rows) {
    keys = keys.index_select(0, rows), values = values.index_select(0, rows);
  }
};

class Caches {
 public:
  void append(int64_t positions) {
    const auto k = heads_of(batch_, positions), v = heads_of(batch_, positions);
    cache.append(k, v), copied.append(k, v);
    expect_equal();
  }
  void select(const std::vector<int64_t>& rows) {
    cache.select(numbers(rows)), copied.select(numbers(rows));
    batch_ = static_cast<int64_t>(rows.size());
    expect_equal();
  }
  explicit Caches(int64_t batch) : batch_(batch) {}

  KeyValueCache cache;
  CopiedCache copied;

 private:
  void expect_equal() const {
    EXPECT_EQ(cache.length(), copied.keys.size(2));
    EXPECT_TRUE(torch::equal(cache.keys(), copied.keys));
    EXPECT_TRUE(torch::equal(cache.values(), copied.values));
    EXPECT_TRUE(torch::equal(cache.key_rows().index_select(0, cache.places().reshape(-1)),
                             copied.keys.transpose(1, 2).reshape({-1, kHeads * kDim})))
        << "the lists name them";
    const int64_t last = std::min<int64_t>(2, cache.length());
    EXPECT_TRUE(
        torch::equal(cache.keys(2), copied.keys.narrow(2, copied.keys.size(2) - last, last)));
    // One query for each row.
    const torch::NoGradGuard no_grad;
    const auto q = heads_of(batch_, 1);
    const auto expected = attend_cached(q, cache, {.causal = true});
    const OwnOperators own;
    EXPECT_TRUE(torch::allclose(attend_cached(q, cache, {.causal = true}), expected, 1e-5, 1e-6));
  }
  int64_t batch_;
};

TEST(KeyValueCache, KeepsWhatWasWrittenWordByWord) {
  Caches caches(3);
  for (int step = 0; step < 5; ++step) caches.append(1);
}

TEST(KeyValueCache, GoesOnWithOtherRows) {
  Caches caches(2);
  caches.append(1);
  caches.select({0, 0, 0, 1, 1, 1});  // beams
  caches.append(1);
  caches.select({2, 0, 0, 5, 4, 3});
  caches.append(1);
  caches.append(1);
  caches.select({3, 3, 4});  // a text is over
  caches.append(1);
  caches.select({1});
  caches.append(2);
}

TEST(KeyValueCache, JoinsTensorsForGraphs) {
  const torch::NoGradGuard no_grad;
  const auto k = heads_of(2, 3), v = heads_of(2, 3);
  auto cache = KeyValueCache::joined();
  EXPECT_TRUE(cache.empty());
  cache.append(k, v);
  EXPECT_TRUE(cache.keys().is_same(k)) << "what is captured is what was made";
  CopiedCache copied{k, v};
  for (int step = 0; step < 3; ++step) {
    const auto more_k = heads_of(2, 1), more_v = heads_of(2, 1);
    cache.append(more_k, more_v), copied.append(more_k, more_v);
    EXPECT_EQ(cache.length(), 4 + step);
    EXPECT_TRUE(torch::equal(cache.keys(), copied.keys));
    EXPECT_TRUE(torch::equal(cache.values(2), copied.values.narrow(2, 2 + step, 2)));
  }
  cache.select(numbers({1, 0, 1})), copied.select(numbers({1, 0, 1}));
  EXPECT_TRUE(torch::equal(cache.keys(), copied.keys));
  EXPECT_TRUE(cache.beside().is_joined());
  // The operators of tensors alone, which a graph may record.
  const auto q = heads_of(3, 1);
  const auto expected = attend_cached(q, cache, {.causal = true});
  const OwnOperators own;
  EXPECT_TRUE(torch::equal(attend_cached(q, cache, {.causal = true}), expected));
  EXPECT_TRUE(torch::equal(KeyValueCache::joined(k, v).values(), v));
}

TEST(KeyValueCache, KeepsSeveralPositionsAtOnce) {
  Caches caches(2);
  caches.append(4);
  caches.select({1, 1, 0});
  caches.select({2, 0});
  caches.append(1);
  caches.append(3);
  caches.select({1});
}

TEST(KeyValueCache, TakesPartsOfOneProjection) {
  const auto [q, k, v] = split_qkv(torch::randn({2, 4, 3 * kHeads * kDim}), kHeads);
  KeyValueCache cache;
  cache.append(k, v);
  cache.select(numbers({1, 1, 0}));
  EXPECT_TRUE(torch::equal(cache.keys(), k.index_select(0, numbers({1, 1, 0}))));
  EXPECT_TRUE(torch::equal(cache.values(), v.index_select(0, numbers({1, 1, 0}))));
}

TEST(KeyValueCache, SelectsWhatItsMixerKeepsBeside) {
  KeyValueCache cache;
  const auto k = heads_of(2, 1), beside = heads_of(2, 1).narrow(3, 0, 8);
  cache.append(k, k);
  cache.beside().append(beside, beside.narrow(3, 0, 0));
  cache.select(numbers({1, 0, 1}));
  EXPECT_TRUE(torch::equal(cache.beside().keys(), beside.index_select(0, numbers({1, 0, 1}))));
  EXPECT_EQ(cache.beside().values().sizes(), torch::IntArrayRef({3, 2, 1, 0}));
}

TEST(AttendCached, QueriesOfOneTextShareItsKeys) {
  const torch::NoGradGuard no_grad;
  KeyValueCache cache;
  cache.append(heads_of(3, 5), heads_of(3, 5));
  const auto q = heads_of(3, 4);
  auto padding = torch::ones({3, 5}, torch::kLong);
  padding[1].narrow(0, 2, 3).fill_(0);
  padding[2].fill_(0);
  const AttentionArgs args{.key_padding = padding.ne(0)};
  const auto expected = attend_cached(q, cache, args);
  const OwnOperators own;
  const auto found = attend_cached(q, cache, args);
  EXPECT_TRUE(torch::allclose(found, expected, 1e-5, 1e-6));
  EXPECT_EQ(found[2].abs().max().item<float>(), 0) << "a text without a token";
  const auto bias = torch::randn({1, kHeads, 4, 5});
  EXPECT_TRUE(torch::equal(attend_cached(q, cache, {.bias = bias}),
                           merge_heads(attend(q, cache.keys(), cache.values(), {.bias = bias}))))
      << "a bias goes LibTorch's way";
}

}  // namespace
}  // namespace braid::nn
