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
// Whether any number of the labels may be right, by problem_type of the metadata: each has a
// probability of its own, the sigmoid of its logit. Throws DataError for a file whose outputs are
// no classes.
bool has_several_labels(const Session& session);
// The first output: logits [rows,K] of float32, K at least 1. kind: "images" or "texts", of the
// classifier that is missing. Throws DataError for another output.
const Tensor& logits_among(const Session& session, const std::vector<Tensor>& outputs, int64_t rows,
                           const char* kind);
// The most probable classes of [1,K]: a softmax of logits (of several labels a sigmoid each), or
// probabilities as they are. Throws DataError for another output, one that is not finite, and
// what has_several_labels() throws.
std::vector<Label> top_labels(const Session& session, const Tensor& output,
                              const std::vector<std::string>& names, int64_t top);

}  // namespace braid::runner
