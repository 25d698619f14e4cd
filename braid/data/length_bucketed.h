// Batches of sequences of similar length.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "braid/data/sampler.h"

namespace braid::data {

struct LengthBucketedOptions {
  // Of each side of a batch, padding too, as fairseq's --max-tokens; a longer example is a batch of
  // its own. 0: any number.
  int64_t max_tokens = 0;
  int64_t max_examples = 0;  // of a batch; 0: any number
  // Set: another order of the batches every epoch, and other neighbours among examples of equal
  // lengths. Unset: the shortest ones first.
  std::optional<int64_t> seed = {};
};

// Every example is in one batch of each epoch. Shapes and number of the batches are the same in all
// of them.
class LengthBucketed final : public Sampler {
 public:
  // sides: tokens of each example, a list for each sequence that an example has, such as source and
  // target; all of one size. Sorts by the first, then the second. Throws ConfigError where neither
  // limit is set.
  LengthBucketed(std::vector<std::vector<int64_t>> sides, const LengthBucketedOptions& options);
  std::vector<std::vector<int64_t>> batches(int64_t epoch) const override;
  int64_t size() const override { return static_cast<int64_t>(ends_.size()); }

 private:
  void sort(std::vector<int64_t>& order) const;

  std::vector<std::vector<int64_t>> sides_;
  LengthBucketedOptions options_;
  std::vector<int64_t> ends_;  // of the batches among the sorted examples
};

// Another order every epoch, as Shuffled, whose examples are sorted by length within pools of some
// batches: little padding, yet other neighbours every epoch (transformers' group_by_length). What
// does not fill a batch is left out, another part every epoch.
class LengthGrouped final : public Sampler {
 public:
  // Throws ConfigError for a batch size below 1.
  LengthGrouped(std::vector<int64_t> lengths, int64_t batch_size, int64_t seed);
  // With the examples of another sampler in place of Shuffled's.
  LengthGrouped(std::vector<int64_t> lengths, std::unique_ptr<const Sampler> order, int64_t seed);
  std::vector<std::vector<int64_t>> batches(int64_t epoch) const override;
  int64_t size() const override { return order_->size(); }

 private:
  std::vector<int64_t> lengths_;
  std::unique_ptr<const Sampler> order_;
  int64_t seed_;
};

}  // namespace braid::data
