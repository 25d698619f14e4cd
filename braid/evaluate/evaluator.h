// Runs a model over a dataset and measures it.
#pragma once
#include <torch/torch.h>

#include <string>
#include <vector>

#include "braid/core/progress.h"
#include "braid/data/dataset.h"
#include "braid/data/transforms.h"
#include "braid/models/model.h"

namespace braid::evaluate {

struct EvaluateOptions {
  int64_t batch_size = 128;
  int64_t workers = 2;
  std::string dtype = "float32";
  std::string device = "cpu";
  std::string on_bad_sample = "error";
};

struct Predictions {
  torch::Tensor probabilities;   // [N,K] float32, on the CPU
  torch::Tensor labels;          // [N] int64
  std::vector<int64_t> indices;  // positions in the dataset
  int64_t bad_samples = 0;
};

// The model is put into eval mode and back.
Predictions run_model(models::Model& model, const data::DatasetPtr& dataset, const data::InputConfig& input,
                      const EvaluateOptions& options, Progress& progress);

struct Metrics {
  int64_t count = 0;
  double top1 = 0;                // percent
  double top1_low = 0, top1_high = 0;  // 95% Wilson interval, percent
  double top5 = 0;                // percent
  double macro_f1 = 0;            // percent
  double ece = 0;                 // expected calibration error, 15 equal-width bins, percent
  double nll = 0;                 // nats
  torch::Tensor confusion;        // [K,K] int64: rows true, columns predicted
};
Metrics compute_metrics(const Predictions& predictions);

}  // namespace braid::evaluate
