// Cross-validation in a comparison: every training once for each fold of the data.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "braid/evaluate/compare_config.h"
#include "braid/evaluate/result.h"
#include "braid/evaluate/run.h"

namespace braid::evaluate {

size_t fold_of(const Run& run);

// Whether each fold is tested on its own val, all of them together on all of the data.
bool is_tested_by_fold(const CompareConfig& config, const DataSummary& data);

// One figure of several folds, each of which was tested on its own items. The interval is that of
// one fold's test narrowed to the items of all, or the spread of the folds (Student's t) where that
// is wider; unset where the folds have none.
tasks::Score pooled_score(const std::vector<tasks::Score>& folds);

// One figure of the runs of runs_of() (experiment.h), in their order.
tasks::Score score_of_runs(const CompareConfig& config, const DataSummary& data,
                           const std::vector<tasks::Score>& runs);
// The same of all the scores that every run has, in the order of the first run's.
tasks::Scores scores_of_runs(const CompareConfig& config, const DataSummary& data,
                             const std::vector<tasks::Scores>& runs);

// Splits: of images or texts, see data/folds.h. test: of all folds, where there is no test split.
template <class Splits>
DataSummary summary_of_folds(const std::vector<Splits>& folds) {
  const Splits& first = folds.front();
  DataSummary summary;
  summary.classes = first.train->classes();
  summary.train = first.train->size();
  summary.val = first.val->size();
  summary.test_split = first.test ? "test" : "val";
  summary.left_out = first.left_out;
  if (first.test)
    summary.test = first.test->size();
  else
    for (const auto& fold : folds) summary.test += fold.val->size();
  return summary;
}

// measure(run, share): of a fold, with that share of the time. One fold is enough where the data
// has a test split.
References references_of_folds(const DataSummary& data, size_t folds,
                               const std::function<References(const Run&, double)>& measure);

}  // namespace braid::evaluate
