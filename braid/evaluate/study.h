// One comparison at work: what its units share, and the units. Each unit is kept once it is done,
// so that a killed comparison goes on where it was.
#pragma once

#include <stop_token>
#include <string>

#include "braid/core/progress.h"
#include "braid/data/dataset.h"
#include "braid/data/image/statistics.h"
#include "braid/evaluate/budget.h"
#include "braid/evaluate/compare.h"
#include "braid/evaluate/work_folder.h"
#include "braid/torch.h"
#include "braid/train/config.h"

namespace braid::evaluate {

constexpr double kFractions[] = {0.1, 0.3};  // sample efficiency: of the training images
constexpr double kRobustnessPasses = 34;     // over its sample: 6 x 5 corruptions, 3 grids, none

struct Study {
  CompareConfig config;
  Budget budget;
  data::Splits splits;
  std::shared_ptr<data::SharedStatistics> statistics;  // of splits.train
  data::DatasetPtr test;   // the test split, or val where the data has none
  std::string test_split;  // "test" or "val"
  WorkFolder work;
  std::stop_token stop;
  Progress& progress;
};

// What is known of a model before it is trained.
struct ModelFacts {
  std::string name = {}, family = {};  // family: cnn, transformer, hybrid
  int64_t params = 0;
  int64_t macs = 0;                 // per image
  double forward_images_per_s = 0;  // one rough measurement, for the plan
};
// Builds the model for the data, so that one that cannot be built fails before any is trained.
ModelFacts examine(const Study& study, const std::string& model);

// One training.
struct Run {
  std::string model;
  int64_t seed = 0;
  double fraction = 1;       // of the training and validation images
  std::string teacher = {};  // distillation: the teacher's architecture, empty: none
  std::string teacher_checkpoint = {};
  int64_t teacher_macs = 0;
};
// "resnet20-seed0", "resnet20-seed0-10percent", "vit-seed0-from-resnet20"
std::string run_name(const Run& run);
// The family's recipe under the budget.
train::TrainConfig train_config(const Study& study, const Run& run, const ModelFacts& facts);

// Trains, or takes up a run that was cut off: steps, epochs, train_seconds, train_images_per_s,
// peak_memory_bytes, curve, recipe, checkpoint, val_top1. Throws TryAgainError when interrupted.
Json train_unit(const Study& study, const Run& run, const ModelFacts& facts);

// The metrics of a trained run on the test images, its confusion matrix and its surest mistakes.
// The probabilities are kept beside it.
Json evaluate_unit(const Study& study, const Run& run, const Json& trained);
// latency_ms_p50, latency_ms_p95, throughput_images_per_s.
Json latency_unit(const Study& study, const Run& run, const Json& trained);
// robustness, shuffled_patches.
Json robustness_unit(const Study& study, const Run& run, const Json& trained);

// What evaluate_unit kept of a run.
struct Scores {
  torch::Tensor probabilities;  // [N,K]
  torch::Tensor labels;         // [N] int64
};
Scores kept_scores(const Study& study, const Run& run);

// Everything that is measured of one architecture: an item of `models` in results.json. Also names
// the seed whose checkpoint it is, as `best_seed`.
Json measure_model(const Study& study, const ModelFacts& facts);

// The `fusion` section: the best CNN and the best Transformer by validation accuracy, and what
// joining them gains; null when the measured models lack one of the two.
Json measure_fusion(const Study& study, const std::vector<ModelFacts>& facts, const Json& models);

}  // namespace braid::evaluate
