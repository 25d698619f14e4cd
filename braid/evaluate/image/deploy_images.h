// A trained model of images as it ships.
#pragma once
#include <cstdint>
#include <filesystem>

#include "braid/core/progress.h"
#include "braid/data/dataset.h"
#include "braid/evaluate/deploy_target.h"
#include "braid/evaluate/result.h"
#include "braid/models/vision/image_checkpoint.h"
#include "braid/tasks/task.h"

namespace braid::evaluate {

struct ImageDeployment {
  data::Splits splits;    // train calibrates, val decides on steps
  data::DatasetPtr test;  // is measured on; where it is val, train decides
  std::string data;       // its name, for errors
  int64_t seed = 0;       // of the choice of images that calibrate
  tasks::EvaluateOptions options = {};
  double latency_seconds = 2;  // at most, of timing each figure
};

// Exports the model to `file`, in 8 bits where the target asks for it (with the defaults of
// `braid quantize`), and measures that in the target's engine. loaded: as
// models::load_for_inference gives it, on the CPU. Throws DataError where the model cannot be
// captured, quantized or run, IoError.
Deployed deploy_images(models::LoadedModel& loaded, const DeployTarget& target,
                       const ImageDeployment& deployment, const std::filesystem::path& file,
                       Progress& progress);

}  // namespace braid::evaluate
