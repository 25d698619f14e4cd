// Batches from a dataset, decoded and augmented in worker threads ahead of the training loop.
#pragma once

#include <memory>
#include <optional>

#include "braid/data/batch.h"
#include "braid/data/dataset.h"
#include "braid/data/image/transforms.h"
#include "braid/torch.h"

namespace braid::data {

struct LoaderOptions {
  int64_t batch_size = 128;
  int64_t workers = 2;                  // threads; 0: load in next()
  bool train = false;                   // shuffle, augment, drop the last partial batch
  int64_t seed = 0;                     // same seed: same batches, whatever the number of workers
  double label_smoothing = 0.0;         // folded into soft labels by mixup and cutmix
  std::string on_bad_sample = "error";  // error: throw the DataError; skip: leave it out, count it
  InputConfig input;
  AugmentConfig augment;
};

class Loader {
 public:
  Loader(DatasetPtr dataset, LoaderOptions options);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  // Batches per epoch.
  int64_t size() const;
  // Begins an epoch; its order and augmentation depend on seed and epoch alone.
  // first_batch: batches to leave out, for a resume within an epoch.
  void start_epoch(int64_t epoch, int64_t first_batch = 0);
  // The next batch, or nothing at the end of the epoch.
  std::optional<Batch> next();
  // Samples left out so far because they could not be decoded, with their error texts (the first
  // 100).
  int64_t bad_samples() const;
  std::vector<std::string> bad_sample_messages() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// One image as evaluation sees it: [1,C,H,W] float32.
torch::Tensor prepare_image(const io::Image& image, const InputConfig& input);

}  // namespace braid::data
