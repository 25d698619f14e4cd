// What a model consists of, part by part.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "braid/models/registry.h"

namespace braid::models {

struct PartRow {
  std::string name;            // module, or part of a design
  std::string text;            // what the design says of it; empty for named models
  std::vector<int64_t> shape;  // of its output for one example, without the batch; may be unknown
  int64_t params = 0;
  std::optional<int64_t>
      macs;  // multiply-accumulates of one example; of parts that run by themselves
};

// The model's parts(), those that run by themselves as they run.
std::vector<PartRow> describe(const ModelEntry& entry);

}  // namespace braid::models
