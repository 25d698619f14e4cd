// A trained classifier of texts as it ships.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>

#include "braid/core/progress.h"
#include "braid/data/text/text_dataset.h"
#include "braid/evaluate/deploy_target.h"
#include "braid/evaluate/result.h"
#include "braid/tasks/task.h"
#include "braid/tasks/text/tokenized_model.h"

namespace braid::evaluate {

struct TextDeployment {
  data::TextSplits splits;    // train calibrates, val decides on steps
  data::TextDatasetPtr test;  // is measured on; where it is val, train decides
  std::string data;           // its name, for errors
  int64_t seed = 0;           // of the choice of texts that calibrate
  tasks::EvaluateOptions options = {};
  double latency_seconds = 2;  // at most, of timing each figure
};

// Exports the classifier, with its tokenizer (of the folder `checkpoint`), to `file`, in 8 bits
// where the target asks for it (with the defaults of `braid quantize`), and measures that in the
// target's engine. classifier: on the CPU. Throws DataError where it cannot be captured, quantized
// or run, IoError.
Deployed deploy_texts(const tasks::TokenizedModel& classifier,
                      const std::filesystem::path& checkpoint, const DeployTarget& target,
                      const TextDeployment& deployment, const std::filesystem::path& file,
                      Progress& progress);

}  // namespace braid::evaluate
