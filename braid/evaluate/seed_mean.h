// One figure out of several seeds.
#pragma once
#include <vector>

#include "braid/tasks/score.h"

namespace braid::evaluate {

// The mean of one score over at least one seed. Its interval is that of one seed's test set, with
// several seeds widened by the error of their mean (Student's t), the two added as independent;
// unset where the seeds have none. Scores in percent stay within 0 and 100.
tasks::Score mean_score(const std::vector<tasks::Score>& seeds);
// The same of figures whose spread holds the error of their test sets: the wider of the two.
tasks::Score widest_mean(const std::vector<tasks::Score>& scores);

}  // namespace braid::evaluate
