// The registry with what each architecture costs.
#pragma once
#include <string>
#include <vector>

#include "braid/core/progress.h"

namespace braid::evaluate {

struct ModelRow {
  std::string name, family, fusion;
  int64_t params = 0;
  int64_t macs = 0;                 // multiply-accumulates of one image at input_size
  std::vector<int64_t> input_size;  // channels, height, width
};

// Every architecture whose name contains `pattern`, with its own classifier and input size.
std::vector<ModelRow> model_table(const std::string& pattern, Progress& progress);

}  // namespace braid::evaluate
