// Runs a model over a whole dataset.
#pragma once

#include <string>
#include <vector>

#include "braid/core/progress.h"
#include "braid/data/dataset.h"
#include "braid/data/image/input_config.h"
#include "braid/models/vision/image_model.h"
#include "braid/torch.h"

namespace braid::models {

struct InferenceOptions {
  int64_t batch_size = 128;
  int64_t workers = 2;                  // loader threads
  std::string dtype = "float32";        // float32, bfloat16, auto
  std::string device = "cpu";           // cpu, cuda
  std::string on_bad_sample = "error";  // error, skip
};

struct Predictions {
  torch::Tensor logits;          // [N,K] float32, on the CPU
  torch::Tensor labels;          // [N] int64
  std::vector<int64_t> indices;  // positions in the dataset
  int64_t bad_samples = 0;
};

// Runs without gradients and in eval mode; leaves the model in the mode it was in.
Predictions run_model(ImageModel& model, const data::DatasetPtr& dataset,
                      const data::InputConfig& input, const InferenceOptions& options,
                      Progress& progress);

}  // namespace braid::models
