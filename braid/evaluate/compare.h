// The main job: trains several architectures on one dataset under one equal budget, measures them,
// recommends one.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "braid/core/config.h"
#include "braid/core/error.h"
#include "braid/core/progress.h"
#include "braid/evaluate/result.h"

namespace braid::evaluate {

class Workload;

struct CompareConfig {
  // what
  std::string data;
  std::vector<std::string> models;
  std::string output = "runs/compare";
  std::optional<int64_t> img_size;
  // how much
  std::string budget = "time=2m";
  int64_t seeds = 1;
  int64_t seed = 0;
  bool distill = false;
  std::vector<std::string> skip;
  int64_t robustness_images = 500;
  // which
  std::string prefer = "accuracy";
  std::optional<double> max_latency_ms;
  std::optional<int64_t> max_params;
  // how
  std::optional<int64_t> batch_size;
  std::string dtype = "float32";
  std::string device = "cpu";
  int64_t workers = 2;
  int64_t threads = 0;
  std::string on_bad_sample = "error";
  double val_fraction = 0.1;
  void visit(FieldVisitor& v);
};

// Throws UsageError or ConfigError naming the flag.
void validate(const CompareConfig& config);

struct CompareOutcome {
  Results results;
  std::filesystem::path report;  // <output>/report.html
  // Of the first failure among the models, or kOk. The others' results stand.
  ExitCode exit_code = ExitCode::kOk;
  std::string failure;  // its text
};

// Fills config.output with
//   results.json  report.html
//   winner/       the recommended model's checkpoint
//   models/       one run folder per model and seed
//   work/         what is finished, part by part, so that a comparison that was cut off goes on
//                 where it was
// command: the command line, kept in the results. Throws ConfigError when the folder holds a
// comparison with other settings or of another version, TryAgainError when interrupted, IoError
// when the folder cannot be written; and, once all that is written, the error itself when every
// model failed with the same one.
CompareOutcome compare(const CompareConfig& config, const Workload& workload,
                       const std::string& command, std::stop_token stop, Progress& progress);
// Of the task that the data says.
CompareOutcome compare(const CompareConfig& config, const std::string& command,
                       std::stop_token stop, Progress& progress);

}  // namespace braid::evaluate
