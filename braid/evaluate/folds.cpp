#include "braid/evaluate/folds.h"

#include <algorithm>
#include <cmath>

#include "braid/evaluate/seed_mean.h"

namespace braid::evaluate {

size_t fold_of(const Run& run) { return static_cast<size_t>(run.fold.value_or(0)); }

bool is_tested_by_fold(const CompareConfig& config, const DataSummary& data) {
  return config.folds > 1 && data.test_split == "val";
}

tasks::Score pooled_score(const std::vector<tasks::Score>& folds) {
  auto narrowed = folds;
  for (auto& fold : narrowed) {
    if (!fold.low || !fold.high) continue;
    const double root = std::sqrt(static_cast<double>(folds.size()));
    fold.low = fold.value - (fold.value - *fold.low) / root;
    fold.high = fold.value + (*fold.high - fold.value) / root;
  }
  return widest_mean(narrowed);
}

tasks::Score score_of_runs(const CompareConfig& config, const DataSummary& data,
                           const std::vector<tasks::Score>& runs) {
  if (!is_tested_by_fold(config, data)) return mean_score(runs);
  std::vector<tasks::Score> seeds;
  for (auto first = runs.begin(); first != runs.end(); first += config.folds)
    seeds.push_back(pooled_score({first, first + config.folds}));
  return mean_score(seeds);
}

tasks::Scores scores_of_runs(const CompareConfig& config, const DataSummary& data,
                             const std::vector<tasks::Scores>& runs) {
  tasks::Scores scores;
  for (const auto& score : runs.at(0)) {
    std::vector<tasks::Score> same;
    for (const auto& run : runs)
      for (const auto& other : run)
        if (other.name == score.name) same.push_back(other);
    if (same.size() == runs.size()) scores.push_back(score_of_runs(config, data, same));
  }
  return scores;
}

References references_of_folds(const DataSummary& data, size_t folds,
                               const std::function<References(const Run&, double)>& measure) {
  if (folds == 1 || data.test_split != "val") return measure({}, 1);
  References all;
  std::vector<std::vector<tasks::Score>> scores;  // of each row
  for (size_t fold = 0; fold < folds; ++fold) {
    Run run;
    run.fold = static_cast<int64_t>(fold);
    for (auto& row : measure(run, 1 / static_cast<double>(folds)).rows) {
      auto same = std::find_if(all.rows.begin(), all.rows.end(),
                               [&](const auto& other) { return other.name == row.name; });
      const auto at = static_cast<size_t>(same - all.rows.begin());
      if (same == all.rows.end()) {
        scores.push_back({row.score});
        all.rows.push_back(std::move(row));
        continue;
      }
      scores[at].push_back(row.score);
      same->seconds += row.seconds;
    }
  }
  for (size_t i = 0; i < scores.size(); ++i) all.rows[i].score = pooled_score(scores[i]);
  std::stable_sort(all.rows.begin(), all.rows.end(),
                   [](const auto& a, const auto& b) { return tasks::better(a.score, b.score); });
  return all;
}

}  // namespace braid::evaluate
