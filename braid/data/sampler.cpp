#include "braid/data/sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <numeric>
#include <utility>

#include "braid/core/error.h"
#include "braid/data/random.h"

namespace braid::data {
namespace {

// The item of an epoch's shuffle; examples use their index.
constexpr uint64_t kOrderStream = ~uint64_t{0};

std::vector<int64_t> in_order(int64_t examples) {
  std::vector<int64_t> order(static_cast<size_t>(examples));
  std::iota(order.begin(), order.end(), int64_t{0});
  return order;
}

std::vector<std::vector<int64_t>> cut_into_batches(const std::vector<int64_t>& order,
                                                   int64_t batch_size, int64_t count) {
  std::vector<std::vector<int64_t>> batches;
  for (int64_t k = 0; k < count; ++k) {
    const auto begin = order.begin() + k * batch_size;
    const auto left = order.end() - begin;
    batches.emplace_back(begin, begin + std::min<int64_t>(batch_size, left));
  }
  return batches;
}

void expect_batch_size(int64_t batch_size) {
  if (batch_size < 1)
    throw ConfigError("data", "expected a batch size of at least 1", "--batch-size");
}

// Of batches without the rest; fewer examples than one batch are one batch.
int64_t whole_batches(int64_t examples, int64_t batch_size) {
  return examples >= batch_size ? examples / batch_size : std::min<int64_t>(examples, 1);
}

}  // namespace

Sequential::Sequential(int64_t examples, int64_t batch_size, int64_t first)
    : examples_(examples), batch_size_(batch_size), first_(first) {
  expect_batch_size(batch_size);
}

int64_t Sequential::size() const {
  return examples_ / batch_size_ + (examples_ % batch_size_ > 0 ? 1 : 0);
}

std::vector<std::vector<int64_t>> Sequential::batches(int64_t) const {
  auto order = in_order(examples_);
  for (auto& position : order) position += first_;
  return cut_into_batches(order, batch_size_, size());
}

Shuffled::Shuffled(int64_t examples, int64_t batch_size, int64_t seed)
    : examples_(examples), batch_size_(batch_size), seed_(seed) {
  expect_batch_size(batch_size);
}

int64_t Shuffled::size() const { return whole_batches(examples_, batch_size_); }

std::vector<std::vector<int64_t>> Shuffled::batches(int64_t epoch) const {
  auto order = in_order(examples_);
  Random random(static_cast<uint64_t>(seed_), static_cast<uint64_t>(epoch), kOrderStream);
  random.shuffle(order);
  return cut_into_batches(order, batch_size_, size());
}

ClassBalanced::ClassBalanced(const std::vector<int64_t>& labels, int64_t batch_size, int64_t seed)
    : examples_(static_cast<int64_t>(labels.size())), batch_size_(batch_size), seed_(seed) {
  expect_batch_size(batch_size);
  std::map<int64_t, std::vector<int64_t>> by_label;
  for (size_t i = 0; i < labels.size(); ++i) by_label[labels[i]].push_back(static_cast<int64_t>(i));
  for (auto& [label, positions] : by_label) classes_.push_back(std::move(positions));
}

int64_t ClassBalanced::size() const { return whole_batches(examples_, batch_size_); }

std::vector<std::vector<int64_t>> ClassBalanced::batches(int64_t epoch) const {
  Random random(static_cast<uint64_t>(seed_), static_cast<uint64_t>(epoch), kOrderStream);
  const auto pick = [&random](const auto& list) -> const auto& {
    return list[static_cast<size_t>(random.below(std::ssize(list)))];
  };
  std::vector<int64_t> order;
  for (int64_t i = 0; i < examples_; ++i) order.push_back(pick(pick(classes_)));
  return cut_into_batches(order, batch_size_, size());
}

Shard::Shard(std::unique_ptr<const Sampler> whole, int64_t rank, int64_t world, Remainder remainder)
    : whole_(std::move(whole)), rank_(rank), world_(world), remainder_(remainder) {
  if (rank < 0 || rank >= world)
    throw InternalError("data", fmt::format("expected a rank below {}, got {}", world, rank));
}

int64_t Shard::size() const {
  const int64_t all = whole_->size(), rest = all % world_;
  return all / world_ + (remainder_ == Remainder::kKept && rank_ < rest ? 1 : 0);
}

std::vector<std::vector<int64_t>> Shard::batches(int64_t epoch) const {
  const auto all = whole_->batches(epoch);
  std::vector<std::vector<int64_t>> own;
  for (int64_t k = 0; k < size(); ++k)
    own.push_back(all.at(static_cast<size_t>(k * world_ + rank_)));
  return own;
}

}  // namespace braid::data
