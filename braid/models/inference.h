// Runs a model over a whole dataset.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "braid/core/config.h"
#include "braid/core/progress.h"
#include "braid/data/dataset.h"
#include "braid/data/transforms.h"
#include "braid/models/model.h"
#include "braid/torch.h"

namespace braid::models {

struct InferenceOptions {
  int64_t batch_size = 128;
  int64_t workers = 2;
  std::string dtype = "float32";
  std::string device = "cpu";
  std::string on_bad_sample = "error";
  void visit(FieldVisitor& v);
};

struct Predictions {
  torch::Tensor logits;          // [N,K] float32, on the CPU
  torch::Tensor labels;          // [N] int64
  std::vector<int64_t> indices;  // positions in the dataset
  int64_t bad_samples = 0;
};

// Runs without gradients and in eval mode; leaves the model in the mode it was in.
Predictions run_model(Model& model, const data::DatasetPtr& dataset, const data::InputConfig& input,
                      const InferenceOptions& options, Progress& progress);

}  // namespace braid::models
