// The main job: trains several architectures on one dataset under one equal budget, measures them,
// recommends one.
#pragma once
#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>

#include "braid/core/error.h"
#include "braid/core/progress.h"
#include "braid/evaluate/compare_config.h"
#include "braid/evaluate/result.h"

namespace braid::evaluate {

class Workload;

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
