// Batches made in worker threads ahead of who uses them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "braid/data/batch.h"
#include "braid/data/collate.h"
#include "braid/data/sampler.h"

namespace braid::data {

struct LoaderOptions {
  int64_t workers = 2;                  // threads; 0: load in next()
  std::string on_bad_sample = "error";  // error: throw the DataError; skip: leave it out, count it
};

// The same batches in the same order, whatever the number of workers.
class Loader {
 public:
  Loader(std::shared_ptr<const Collate> collate, std::unique_ptr<const Sampler> sampler,
         const LoaderOptions& options);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  // Batches per epoch.
  int64_t size() const;
  // Begins an epoch. first_batch: batches to leave out, for a resume within an epoch.
  void start_epoch(int64_t epoch, int64_t first_batch = 0);
  // The next batch, or nothing at the end of the epoch. Batches without a readable example are left
  // out.
  std::optional<Batch> next();
  // Batches of the epoch that are behind, those that were left out too: where a resume goes on.
  int64_t position() const;
  // Examples left out of the batches so far because they could not be read, each once, however many
  // epochs met it: how many, their positions, and the first ones' errors.
  int64_t bad_samples() const;
  std::vector<int64_t> bad_indices() const;
  std::vector<std::string> bad_sample_messages() const;
  // What is too long for the model, as far as its collation knows.
  CutExamples cut() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace braid::data
