// The order of an epoch.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

namespace braid::data {

// An epoch as batches of positions in a dataset: a function of the epoch's number, and of what the
// sampler was made with, alone.
class Sampler {
 public:
  virtual ~Sampler() = default;
  virtual std::vector<std::vector<int64_t>> batches(int64_t epoch) const = 0;
  virtual int64_t size() const = 0;  // batches, the same in every epoch
};

// The dataset's own order; the last batch may be smaller.
class Sequential final : public Sampler {
 public:
  // first: the position of the first example. Throws ConfigError for a batch size below 1.
  Sequential(int64_t examples, int64_t batch_size, int64_t first = 0);
  std::vector<std::vector<int64_t>> batches(int64_t epoch) const override;
  int64_t size() const override;

 private:
  int64_t examples_, batch_size_, first_;
};

// Another order every epoch; what does not fill a batch is left out, but fewer examples than one
// batch are one batch.
class Shuffled final : public Sampler {
 public:
  Shuffled(int64_t examples, int64_t batch_size, int64_t seed);
  std::vector<std::vector<int64_t>> batches(int64_t epoch) const override;
  int64_t size() const override;

 private:
  int64_t examples_, batch_size_, seed_;
};

// As many examples an epoch as there are, drawn with replacement such that every class is as likely
// as any other, whatever it has of them: an epoch holds some of a large class not at all, and those
// of a small one several times. PyTorch's WeightedRandomSampler with each example's weight one over
// the size of its class. What does not fill a batch is left out, as by Shuffled.
class ClassBalanced final : public Sampler {
 public:
  // labels: of each example, 0 and above; a class without examples is never drawn. Throws
  // ConfigError for a batch size below 1.
  ClassBalanced(const std::vector<int64_t>& labels, int64_t batch_size, int64_t seed);
  std::vector<std::vector<int64_t>> batches(int64_t epoch) const override;
  int64_t size() const override;

 private:
  std::vector<std::vector<int64_t>> classes_;  // positions, of those that have any
  int64_t examples_, batch_size_, seed_;
};

// One process's share of another sampler's batches: those numbered rank, rank + world, ... What
// does not go to all processes is left out in training, so that each has as many steps, and kept in
// evaluation, so that each example is seen once.
class Shard final : public Sampler {
 public:
  enum class Remainder { kLeftOut, kKept };
  // rank: 0 to world - 1.
  Shard(std::unique_ptr<const Sampler> whole, int64_t rank, int64_t world, Remainder remainder);
  std::vector<std::vector<int64_t>> batches(int64_t epoch) const override;
  int64_t size() const override;

 private:
  std::unique_ptr<const Sampler> whole_;
  int64_t rank_, world_;
  Remainder remainder_;
};

}  // namespace braid::data
