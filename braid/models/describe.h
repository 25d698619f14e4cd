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
  std::vector<int64_t> shape;  // of its output for one image, without the batch
  int64_t params = 0;
  std::optional<int64_t> macs;  // multiply-accumulates of one image; only designs are run in parts
};

// A design's parts as they run, or a named model's feature stages.
std::vector<PartRow> describe(const ModelEntry& entry);

}  // namespace braid::models
