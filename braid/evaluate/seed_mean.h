// One figure out of several seeds.
#pragma once
#include <vector>

#include "braid/tasks/score.h"

namespace braid::evaluate {

// The mean of one score over at least one seed. Its interval is that of one seed's test set, with
// several seeds widened by the error of their mean (Student's t), the two added as independent;
// unset where the seeds have none. Scores in percent stay within 0 and 100.
tasks::Score mean_score(const std::vector<tasks::Score>& seeds);
// Those of the scores that every seed has, in the order of the first.
tasks::Scores mean_scores(const std::vector<tasks::Scores>& seeds);

}  // namespace braid::evaluate
