// The registry with what each architecture costs.
#pragma once
#include <string>
#include <vector>

#include "braid/core/config.h"

namespace braid::evaluate {

struct ModelRow {
  std::string name, family, fusion;
  int64_t params = 0;
  int64_t macs = 0;                 // multiply-accumulates of one input of input_size
  std::vector<int64_t> input_size;  // channels, height, width; tokens
  void visit(FieldVisitor& v);
};

// Every architecture of images and of text, with its own head and input size. braid's own are not
// built for it: their costs are known (models/own_cost.h).
std::vector<ModelRow> model_table();

}  // namespace braid::evaluate
