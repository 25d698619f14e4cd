// What an engine makes of a test split, and how fast it answers.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>

#include "braid/core/progress.h"
#include "braid/data/loader.h"
#include "braid/evaluate/deploy_target.h"
#include "braid/evaluate/result.h"
#include "braid/export/quantize_report.h"

namespace braid::evaluate {

struct EngineItems {
  data::Loader& test;  // batches with the engine's inputs by their names, and labels
  int64_t count = 0;   // of its items
  int64_t classes = 0;
  std::function<data::Batch(int64_t items)> make;  // made-up items, to be timed on
  double latency_seconds = 2;                      // at most, of timing each figure
};

// What a quantization says of the file.
void fill_quantized(const onnx::QuantizeReport& report, Deployed& deployed);

// Fills in the file, its scores and times. Engines get as many threads as LibTorch has. Throws
// DataError for a file that the engine cannot run, and for outputs that are not finite.
void measure_engine(const DeployTarget& target, const std::filesystem::path& file,
                    const EngineItems& items, Progress& progress, Deployed& deployed);

}  // namespace braid::evaluate
