// Runs a model of images over a whole dataset.
#pragma once
#include <vector>

#include "braid/core/progress.h"
#include "braid/data/dataset.h"
#include "braid/data/image/input_config.h"
#include "braid/models/model.h"
#include "braid/tasks/task.h"
#include "braid/torch.h"

namespace braid::tasks {

struct Predictions {
  torch::Tensor logits;          // [N,K] float32, on the CPU
  torch::Tensor labels;          // [N] int64
  std::vector<int64_t> indices;  // positions in the dataset
  int64_t bad_samples = 0;
};

// On the model's device, without gradients and in eval mode; leaves the model in the mode it was
// in.
Predictions run_model(models::Model& model, const data::DatasetPtr& dataset,
                      const data::InputConfig& input, const EvaluateOptions& options,
                      Progress& progress);

}  // namespace braid::tasks
