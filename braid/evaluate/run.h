// One training of a comparison: what is trained, and what came of it.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "braid/core/config.h"
#include "braid/evaluate/result.h"

namespace braid::evaluate {

struct Teacher {
  std::string model;
  int64_t seed = 0;
  std::string checkpoint;
  int64_t macs = 0;  // per item
};

struct Run {
  std::string model;
  int64_t seed = 0;
  double fraction = 1;               // of the training and validation data
  std::optional<int64_t> fold = {};  // which part of cross-validation validates
  std::optional<Teacher> teacher = {};
  std::optional<double> seconds = {};  // of training, where they are its part of a total
  // What its recipe hangs on beside the data.
  double passes = 0;  // over the training data that the budget affords
  int64_t params = 0;
};
// "resnet20-seed0", "resnet20-seed0-fold2", "resnet20-seed0-10percent", "resnet20-seed0-7.5s",
// "vit-seed0-from-resnet20-seed1"
std::string run_name(const Run& run);

// For people, what tells the run from others of its architecture: "resnet20",
// "resnet20=hf-hub:timm/resnet18.a1_in1k", "resnet20 (seed 1, fold 2)", "resnet20 (10% of the
// data)", "vit (taught by resnet20)". seeds: how many the comparison has.
std::string run_title(const Run& run, int64_t seeds);

struct TrainedRun {
  Run run;
  // A file that the workload may write while it evaluates the run, and read later.
  std::filesystem::path predictions;
  // From here on: what is kept.
  std::string checkpoint;  // folder
  Scores val_scores;       // of the best epoch, the deciding one first
  int64_t steps = 0;
  double epochs = 0;  // fractional
  double train_seconds = 0, items_per_s = 0;
  double fewer_threads_seconds = 0;       // of train_seconds, while others used processors
  std::vector<double> slice_items_per_s;  // of the turns that it took
  int64_t bad_samples = 0;
  std::optional<int64_t> peak_memory_bytes;  // unset where the system does not tell
  ResolvedSettings resolved;
  Json recipe;  // the training configuration
  std::string recipe_name, recipe_reason;
  std::vector<CurvePoint> curve;
  void visit(FieldVisitor& v);
};

}  // namespace braid::evaluate
