// From a classifier's output to classes with probabilities.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "braid/runner/session.h"

namespace braid::runner {

struct Label {
  std::string name;  // its number where the file has no names
  int64_t index = 0;
  double probability = 0;
};

// label_names of the metadata; empty where there are none.
std::vector<std::string> label_names(const Session& session);
// The most probable classes of [1,K]: a softmax of logits, or probabilities as they are.
std::vector<Label> top_labels(const Session& session, const Tensor& output,
                              const std::vector<std::string>& names, int64_t top);

}  // namespace braid::runner
