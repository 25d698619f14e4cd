// From positions in a dataset to a batch.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "braid/data/bad_samples.h"
#include "braid/data/batch.h"
#include "braid/data/cut_examples.h"

namespace braid::data {

class Collate {
 public:
  // Which batch of which epoch it is; with the seed it was made with, all that a collation's random
  // numbers may depend on.
  struct Place {
    int64_t epoch = 0, batch = 0;
    // A number that no other row of the epoch's batches has: of the random numbers of an example
    // that an epoch may hold several times.
    uint64_t item(size_t row) const { return (static_cast<uint64_t>(batch) << 32) | row; }
  };
  virtual ~Collate() = default;
  // Called from several threads. Examples that `bad` says to leave out are not in the batch, which
  // may be empty then.
  virtual Batch operator()(const std::vector<int64_t>& indices, const Place& place,
                           BadSamples& bad) const = 0;
  // What is too long for the model, as far as it is known before the first batch.
  virtual CutExamples cut() const { return {}; }
};

}  // namespace braid::data
