// Runs a model over data.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "braid/core/progress.h"
#include "braid/data/dataset.h"
#include "braid/data/image/input_config.h"
#include "braid/data/loader.h"
#include "braid/models/vision/image_model.h"
#include "braid/tasks/task.h"
#include "braid/torch.h"

namespace braid::tasks {

// A batch on the model's device to its logits.
using Forward = std::function<torch::Tensor(const data::Batch& batch)>;
// What becomes of a batch's logits, [B,K] float32 on the CPU.
using SeeLogits = std::function<void(const torch::Tensor& logits, const data::Batch& batch)>;

// Runs an epoch of the loader through the model, on the model's device, without gradients and in
// eval mode; leaves the model in the mode it was in, by an exception too.
void run_batches(torch::nn::Module& model, const Forward& forward, data::Loader& loader,
                 const std::string& dtype, const SeeLogits& see);
void run_batches(models::ImageModel& model, data::Loader& loader, const std::string& dtype,
                 const SeeLogits& see);
// The same with progress over so many items. Returns how many were left out because they could not
// be read.
int64_t run_all(torch::nn::Module& model, const Forward& forward, data::Loader& loader,
                int64_t items, const std::string& dtype, Progress& progress, const SeeLogits& see);

// For a dataset of images in its order.
int64_t run_dataset(models::ImageModel& model, const data::DatasetPtr& dataset,
                    const data::InputConfig& input, const EvaluateOptions& options,
                    Progress& progress, const SeeLogits& see);

struct Predictions {
  torch::Tensor logits;          // [N,K] float32, on the CPU
  torch::Tensor labels;          // [N] int64
  std::vector<int64_t> indices;  // positions in the dataset
  int64_t bad_samples = 0;
};
// What run(see) shows, all at once and in the dataset's order; run: returns the bad samples.
// classes: K where nothing is shown.
Predictions gather(const std::function<int64_t(const SeeLogits& see)>& run, int64_t classes);
// Of a dataset of images.
Predictions run_model(models::ImageModel& model, const data::DatasetPtr& dataset,
                      const data::InputConfig& input, const EvaluateOptions& options,
                      Progress& progress);

}  // namespace braid::tasks
