// A trained translator as it ships: files in a folder, and braid-run that translates with them.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>

#include "braid/core/progress.h"
#include "braid/data/text/parallel_text.h"
#include "braid/evaluate/deploy_target.h"
#include "braid/evaluate/result.h"

namespace braid::evaluate {

struct TranslatorDeployment {
  data::ParallelTextPtr train,
      val;                     // in 8 bits: the former calibrates, the latter decides on steps
  data::ParallelTextPtr test;  // is translated and scored, all of it; where it is val, train
                               // decides
  std::string data;            // its name, for errors
  int64_t seed = 0;            // of the choice of pairs that calibrate
  std::string on_bad_sample = "error";
  double max_length_factor = 0;  // of the translations, see decoding::longest_text()
  double latency_seconds = 2;    // at most, of timing each figure
};

// Throws UsageError for an engine that does not search.
void check_translator_target(const DeployTarget& target);

// Exports the checkpoint to `folder` for a target that check_translator_target() takes, in 8 bits
// where it asks for that (with the defaults of `braid quantize`), and measures what braid-run's
// interpreter makes of the files: BLEU and chrF of all test pairs by the checkpoint's own search,
// the time of a translation. Throws DataError where the model cannot be captured, quantized or run,
// IoError.
Deployed deploy_translator(const std::filesystem::path& checkpoint, const DeployTarget& target,
                           const TranslatorDeployment& deployment,
                           const std::filesystem::path& folder, Progress& progress);

}  // namespace braid::evaluate
