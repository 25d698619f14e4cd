#include "braid/data/length_bucketed.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>

#include "braid/core/error.h"
#include "braid/data/random.h"

namespace braid::data {
namespace {

// Items of an epoch's random numbers, as in sampler.cpp.
constexpr uint64_t kExampleStream = ~uint64_t{0}, kBatchStream = ~uint64_t{1};
constexpr size_t kPool = 50;  // batches whose examples LengthGrouped sorts

}  // namespace

LengthBucketed::LengthBucketed(std::vector<std::vector<int64_t>> sides,
                               const LengthBucketedOptions& options)
    : sides_(std::move(sides)), options_(options) {
  if (options.max_tokens < 0 || options.max_examples < 0 ||
      (options.max_tokens == 0 && options.max_examples == 0))
    throw ConfigError("data", "expected a batch size of at least 1", "--batch-size");
  for (const auto& side : sides_)
    if (side.size() != sides_.front().size())
      throw InternalError("data", "expected lengths of as many examples on each side");
  if (sides_.empty() || sides_.front().empty()) return;
  std::vector<int64_t> order(sides_.front().size());
  std::iota(order.begin(), order.end(), int64_t{0});
  sort(order);
  std::vector<int64_t> longest(sides_.size(), 0);
  int64_t count = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    int64_t tokens = 0;  // of the longer side, were the example in the batch
    for (size_t s = 0; s < sides_.size(); ++s)
      tokens = std::max(
          tokens, (count + 1) * std::max(longest[s], sides_[s][static_cast<size_t>(order[i])]));
    const bool full = (options_.max_examples > 0 && count == options_.max_examples) ||
                      (options_.max_tokens > 0 && tokens > options_.max_tokens);
    if (full && count > 0) {
      ends_.push_back(static_cast<int64_t>(i));
      std::fill(longest.begin(), longest.end(), 0);
      count = 0;
    }
    for (size_t s = 0; s < sides_.size(); ++s)
      longest[s] = std::max(longest[s], sides_[s][static_cast<size_t>(order[i])]);
    ++count;
  }
  ends_.push_back(static_cast<int64_t>(order.size()));
}

void LengthBucketed::sort(std::vector<int64_t>& order) const {
  for (size_t s = sides_.size(); s > 0; --s)  // the last key first: later ones keep its order
    std::stable_sort(order.begin(), order.end(), [&side = sides_[s - 1]](int64_t a, int64_t b) {
      return side[static_cast<size_t>(a)] < side[static_cast<size_t>(b)];
    });
}

std::vector<std::vector<int64_t>> LengthBucketed::batches(int64_t epoch) const {
  if (ends_.empty()) return {};
  std::vector<int64_t> order(sides_.front().size());
  std::iota(order.begin(), order.end(), int64_t{0});
  const auto random = [&](uint64_t stream) {
    return Random(static_cast<uint64_t>(*options_.seed), static_cast<uint64_t>(epoch), stream);
  };
  if (options_.seed) random(kExampleStream).shuffle(order);
  sort(order);
  std::vector<std::vector<int64_t>> batches;
  int64_t begin = 0;
  for (const int64_t end : ends_) {
    batches.emplace_back(order.begin() + begin, order.begin() + end);
    begin = end;
  }
  if (options_.seed) random(kBatchStream).shuffle(batches);
  return batches;
}

LengthGrouped::LengthGrouped(std::vector<int64_t> lengths, int64_t batch_size, int64_t seed)
    : lengths_(std::move(lengths)),
      order_(std::make_unique<Shuffled>(std::ssize(lengths_), batch_size, seed)),
      seed_(seed) {}

LengthGrouped::LengthGrouped(std::vector<int64_t> lengths, std::unique_ptr<const Sampler> order,
                             int64_t seed)
    : lengths_(std::move(lengths)), order_(std::move(order)), seed_(seed) {}

std::vector<std::vector<int64_t>> LengthGrouped::batches(int64_t epoch) const {
  auto batches = order_->batches(epoch);
  for (size_t first = 0; first < batches.size(); first += kPool) {
    const size_t end = std::min(first + kPool, batches.size());
    std::vector<int64_t> pool;
    for (size_t k = first; k < end; ++k)
      pool.insert(pool.end(), batches[k].begin(), batches[k].end());
    std::stable_sort(pool.begin(), pool.end(), [&](int64_t a, int64_t b) {
      return lengths_[static_cast<size_t>(a)] < lengths_[static_cast<size_t>(b)];
    });
    auto next = pool.begin();
    for (size_t k = first; k < end; ++k) {
      const auto size = static_cast<std::ptrdiff_t>(batches[k].size());
      batches[k].assign(next, next + size);
      next += size;
    }
  }
  Random(static_cast<uint64_t>(seed_), static_cast<uint64_t>(epoch), kBatchStream).shuffle(batches);
  return batches;
}

}  // namespace braid::data
