// A split of opened data.
#pragma once
#include "braid/core/error.h"
#include "braid/tasks/task.h"

namespace braid::tasks {

// splits: data::Splits or data::TextSplits. Throws DataError where the data has no such split.
template <class Splits>
const auto& part_of(const Splits& splits, Split split) {
  const auto& part = split == Split::kTrain ? splits.train
                     : split == Split::kVal ? splits.val
                                            : splits.test;
  if (!part) throw DataError("evaluate", "the data has no such split");
  return part;
}

}  // namespace braid::tasks
